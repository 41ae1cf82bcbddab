// What the generated program runs on: how a method body answers, what argument words stand for,
// and how calls are told. Nothing here depends on the scenario.
//
// The definitions are those of Calliper's `scenario::meaning`. Vectors to check a port with:
//   Mix(0xca1115e2, 0)                                    = @MIX@
//   Body.Of(0).See(2).See(3), the hash                    = @HASH@
//   Body.Of(0).See(2).See(3).Answer<int>()                = @INT@
//   Body.Of(1).See((sbyte)-2).See(1.5), the hash          = @SMALL@
//   Value.Of<Int128>(0x1020304050607080), its second word = @SECOND@

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Tasks;

namespace Calliper
{
    /// <summary>Something that is told by a word, as an object of the scenario is by its address.</summary>
    public interface IWord
    {
        /// <summary>The word.</summary>
        uint Word { get; set; }
    }

    /// <summary>An object that is told by its word: what every class of the scenario extends.</summary>
    public class Known : IWord
    {
        /// <summary>The word.</summary>
        public uint Word { get; set; }
    }

    /// <summary>The objects of the program: one for each type and word.</summary>
    public static class Objects
    {
        private static readonly Dictionary<(Type, uint), object> All = new();

        /// <summary>What the constructor that runs next has to take for its word.</summary>
        public static uint Next;

        /// <summary>The object of this type with this word.</summary>
        public static T Of<T>(uint word) where T : IWord, new()
        {
            if (!All.TryGetValue((typeof(T), word), out object known))
            {
                T made = new T();
                made.Word = word;
                known = made;
                All.Add((typeof(T), word), known);
            }
            return (T)known;
        }

        /// <summary>The word of an object; none has 0.</summary>
        public static uint WordOf(object known) => known is IWord word ? word.Word : 0;
    }

    /// <summary>Values, and the words that they stand for.</summary>
    public static unsafe class Value
    {
        /// <summary>Mixes a word into a running hash: the finaliser of SplitMix64.</summary>
        public static ulong Mix(ulong hash, ulong word)
        {
            unchecked
            {
                ulong z = (hash ^ word) + 0x9e3779b97f4a7c15UL;
                z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9UL;
                z = (z ^ (z >> 27)) * 0x94d049bb133111ebUL;
                return z ^ (z >> 31);
            }
        }

        /// <summary>
        /// The value that a word stands for: its low bytes; or, if there are more than 8, the word
        /// and words mixed from it.
        /// </summary>
        public static T Of<T>(ulong word) where T : unmanaged
        {
            if (typeof(T) == typeof(bool)) word &= 1;
            // Native integers have 32 bits in the scenario, whatever the host's have.
            if (typeof(T) == typeof(nint) || typeof(T) == typeof(nuint)) word = (uint)word;
            T value = default;
            byte* bytes = (byte*)&value;
            for (int at = 0; at < sizeof(T); at++)
            {
                ulong chunk = at < 8 ? word : Mix(word, (ulong)(at / 8));
                bytes[at] = (byte)(chunk >> (at % 8 * 8));
            }
            return value;
        }

        /// <summary>Keeps a floating-point answer away from NaNs and infinities: a value in [1, 2).</summary>
        public static ulong Tame<T>(ulong word)
        {
            if (typeof(T) == typeof(float)) return (word & 0x007fffff) | 0x3f800000;
            if (typeof(T) == typeof(double)) return (word & 0x000fffffffffffff) | 0x3ff0000000000000;
            return word;
        }

        /// <summary>Mixes all bytes of a value into a hash, padded with zeros to a multiple of 8.</summary>
        public static ulong Fold<T>(ulong hash, T value) where T : unmanaged
        {
            byte* bytes = (byte*)&value;
            for (int from = 0; from < sizeof(T); from += 8)
            {
                ulong word = 0;
                for (int at = from; at < sizeof(T) && at < from + 8; at++)
                {
                    word |= (ulong)bytes[at] << (at % 8 * 8);
                }
                hash = Mix(hash, word);
            }
            return hash;
        }

        /// <summary>
        /// The bits of a value of at most 8 bytes, small integers widened to 32 bits as the
        /// evaluation stack holds them; of a larger value a hash of all its bytes.
        /// </summary>
        public static ulong Word<T>(T value) where T : unmanaged
        {
            if (typeof(T) == typeof(sbyte)) return (uint)(int)Unsafe.Read<sbyte>(&value);
            if (typeof(T) == typeof(short)) return (uint)(int)Unsafe.Read<short>(&value);
            if (typeof(T) == typeof(nint) || typeof(T) == typeof(nuint)) return Unsafe.Read<uint>(&value);
            if (sizeof(T) > 8) return Fold(0, value);
            ulong word = 0;
            Unsafe.CopyBlockUnaligned(&word, &value, (uint)sizeof(T));
            return word;
        }
    }

    /// <summary>
    /// The body of a method: its answer depends on which method it is and on every byte that it
    /// is given. A chain such as <c>Body.Of(7).See(a).See(b).Answer&lt;int&gt;()</c> is the whole body.
    /// </summary>
    public readonly unsafe ref struct Body
    {
        private readonly ulong hash;

        private Body(ulong hash) => this.hash = hash;

        /// <summary>The body of the scenario's method of this number.</summary>
        public static Body Of(uint method) => new Body(Value.Mix(0xca1115e2, method));

        private Body With(ulong word) => new Body(Value.Mix(hash, word));

        /// <summary>The next argument.</summary>
        public Body See<T>(T value) where T : unmanaged => new Body(Value.Fold(hash, value));
        /// <summary>The next argument, sign-extended to 32 bits.</summary>
        public Body See(sbyte value) => With(Value.Word(value));
        /// <summary>The next argument, sign-extended to 32 bits.</summary>
        public Body See(short value) => With(Value.Word(value));
        /// <summary>The next argument: 32 bits of it.</summary>
        public Body See(nint value) => With(Value.Word(value));
        /// <summary>The next argument: 32 bits of it.</summary>
        public Body See(nuint value) => With(Value.Word(value));
        /// <summary>The next argument: 32 bits of it.</summary>
        public Body See(void* value) => With(Value.Word((nuint)value));
        /// <summary>The next argument: the word that tells the object.</summary>
        public Body See(object value) => With(Objects.WordOf(value));
        /// <summary>The next argument, a struct without fields: its one byte is padding, which C# need not copy.</summary>
        public Body SeeNothing() => With(0);

        /// <summary>Makes the calls that the script wants inside of this one, and is done.</summary>
        public void Done()
        {
            Report.RunInside();
            Report.Seen = hash;
        }

        /// <summary>The same, with the answer.</summary>
        public T Answer<T>() where T : unmanaged
        {
            Done();
            return Value.Of<T>(Value.Tame<T>(hash));
        }

        /// <summary>The same for a pointer.</summary>
        public void* AnswerPointer() => (void*)Answer<nuint>();

        /// <summary>The same for an object reference.</summary>
        public object AnswerObject()
        {
            uint word = Answer<uint>();
            return word == 0 ? null : Objects.Of<Known>(word);
        }
    }

    /// <summary>Tells what is called and what came of it.</summary>
    public static unsafe class Report
    {
        private static readonly Stack<string> Open = new();
        private static Action inside;
        private static int calls;
        private static int good;

        /// <summary>The hash of all that the body which ended last has seen.</summary>
        public static ulong Seen;

        /// <summary>
        /// A call begins. It is told before it is made: a wasm trap cannot be caught, and then
        /// the last line names it. What is to be called inside waits for the next body that runs.
        /// </summary>
        public static void Call(string what, Action inside = null)
        {
            calls++;
            string name = $"[{calls}] {what}";
            Tell(name);
            Open.Push(name);
            Report.inside = inside;
            Seen = 0;
        }

        /// <summary>The calls that were to be made inside of the one that runs, once.</summary>
        public static void RunInside()
        {
            Action now = inside;
            inside = null;
            now?.Invoke();
        }

        /// <summary>A call returned this value.</summary>
        public static void Result<T>(ulong expected, T got) where T : unmanaged => Compare("got", expected, Value.Word(got));
        /// <summary>A call returned this pointer.</summary>
        public static void Result(ulong expected, void* got) => Result(expected, (nuint)got);
        /// <summary>A call returned this object.</summary>
        public static void Result(ulong expected, object got) => Result(expected, Objects.WordOf(got));

        /// <summary>A call that returns no value ended: its callee must have seen the right arguments.</summary>
        public static void Done(ulong expected) => Compare("callee saw", expected, Seen);
        /// <summary>The same of a callee that is C code.</summary>
        public static void Done(ulong expected, ulong seen) => Compare("callee saw", expected, seen);

        private static void Compare(string what, ulong expected, ulong got)
        {
            string name = Open.Pop();
            string verdict = got == expected ? "ok" : "MISMATCH";
            if (got == expected) good++;
            Tell($"    {verdict} {name.Substring(0, name.IndexOf(' '))}: {what} 0x{got:x}, expected 0x{expected:x}");
        }

        private static void Tell(string line) => Console.WriteLine(new string(' ', 4 * Open.Count) + line);

        /// <summary>The last line, and the exit code.</summary>
        public static int End()
        {
            Console.WriteLine($"{calls} calls: {good} as expected");
            return good == calls ? 0 : 1;
        }
    }

    /// <summary>
    /// Where an async body awaits. It goes on at once, and sees no continuation; or, if that was
    /// asked for, it is suspended and resumed, and sees one.
    /// </summary>
    public readonly struct Suspension : ICriticalNotifyCompletion
    {
        private const uint Continuation = @CONTINUATION@;
        private static bool asked;
        private static bool resumed;
        private static Action rest;

        /// <summary>What <c>await</c> asks for.</summary>
        public Suspension GetAwaiter() => this;
        /// <summary>Whether to go on at once.</summary>
        public bool IsCompleted => !asked;
        /// <summary>The word of the continuation that the body was resumed with.</summary>
        public uint GetResult()
        {
            uint word = resumed ? Continuation : 0;
            resumed = false;
            return word;
        }
        /// <summary>Keeps what is left of the body.</summary>
        public void OnCompleted(Action continuation) => rest = continuation;
        /// <summary>Keeps what is left of the body.</summary>
        public void UnsafeOnCompleted(Action continuation) => rest = continuation;

        /// <summary>Starts an async method that is suspended, and resumes it.</summary>
        public static T Resume<T>(Func<T> start) where T : Task
        {
            asked = true;
            T task = start();
            asked = false;
            resumed = true;
            rest();
            return task;
        }

        /// <summary>The result of a task that has ended: nothing here waits.</summary>
        public static T Result<T>(Task<T> task) => task.IsCompleted ? task.Result : throw new InvalidOperationException("the task has not ended");
        /// <summary>The same of one without a result.</summary>
        public static void Done(Task task)
        {
            if (!task.IsCompleted) throw new InvalidOperationException("the task has not ended");
            task.GetAwaiter().GetResult();
        }
    }

    /// <summary>Strings whose text tells what their constructor was given.</summary>
    public static unsafe class Strings
    {
        /// <summary>Characters that tell this word, and a 0 behind them, in memory that nobody frees.</summary>
        public static char* Chars(void* word)
        {
            string text = ((uint)(nuint)word).ToString("x8");
            char* chars = (char*)Marshal.AllocHGlobal(2 * (text.Length + 1));
            for (int at = 0; at < text.Length; at++) chars[at] = text[at];
            chars[text.Length] = (char)0;
            return chars;
        }

        /// <summary>The answer of the scenario's constructor of this number, which made this string.</summary>
        public static object Answer(uint method, string made)
        {
            bool right = uint.TryParse(made, NumberStyles.HexNumber, null, out uint word);
            return Body.Of(method).See(right ? word : ~0u).AnswerObject();
        }
    }

    /// <summary>A finalizer that runs an action.</summary>
    public sealed class Finalization
    {
        private readonly Action action;

        private Finalization(Action action) => this.action = action;

        /// <summary>The runtime calls this.</summary>
        ~Finalization() => action();

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Drop(Action action) => _ = new Finalization(action);

        /// <summary>Lets the runtime run the action as a finalizer, now.</summary>
        public static void Run(Action action)
        {
            Drop(action);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    /// <summary>What IL can say and C# cannot. Dynamic methods say it, which are never precompiled.</summary>
    public static class Il
    {
        private const BindingFlags Own = BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

        /// <summary>The type's method of this name, instantiated over <paramref name="context"/> if it is generic.</summary>
        public static MethodInfo Method(Type type, string name, Type context = null)
        {
            MethodInfo method = type.GetMethod(name, Own);
            return context is null ? method : method.MakeGenericMethod(context);
        }

        /// <summary><c>ldftn</c> of an instance method.</summary>
        public static nint LoadFunction(MethodInfo method)
        {
            var code = new DynamicMethod("ldftn", typeof(nint), null, typeof(Il).Module, true);
            ILGenerator il = code.GetILGenerator();
            il.Emit(OpCodes.Ldftn, method);
            il.Emit(OpCodes.Ret);
            return code.CreateDelegate<Func<nint>>()();
        }

        /// <summary><c>ldvirtftn</c>.</summary>
        public static nint LoadVirtualFunction(MethodInfo method, object on)
        {
            var code = new DynamicMethod("ldvirtftn", typeof(nint), new[] { typeof(object) }, typeof(Il).Module, true);
            ILGenerator il = code.GetILGenerator();
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Ldvirtftn, method);
            il.Emit(OpCodes.Ret);
            return code.CreateDelegate<Func<object, nint>>()(on);
        }
    }

    /// <summary>
    /// <c>calli instance</c>: <typeparamref name="T"/> takes the function, the receiver and the
    /// arguments.
    /// </summary>
    public static class InstanceCalli<T> where T : Delegate
    {
        /// <summary>The call.</summary>
        public static readonly T Call = Make();

        private static T Make()
        {
            MethodInfo invoke = typeof(T).GetMethod("Invoke");
            Type[] all = Array.ConvertAll(invoke.GetParameters(), parameter => parameter.ParameterType);
            var code = new DynamicMethod("calli", invoke.ReturnType, all, typeof(Il).Module, true);
            ILGenerator il = code.GetILGenerator();
            for (short at = 1; at < all.Length; at++) il.Emit(OpCodes.Ldarg, at);
            il.Emit(OpCodes.Ldarg_0);
            Type[] arguments = all.AsSpan(2).ToArray();
            il.EmitCalli(OpCodes.Calli, CallingConventions.Standard | CallingConventions.HasThis, invoke.ReturnType, arguments, null);
            il.Emit(OpCodes.Ret);
            return code.CreateDelegate<T>();
        }
    }
}
