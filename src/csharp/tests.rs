use super::projects::vectors;
use super::*;
use crate::scenario::Type;
use crate::scenario::text;

fn read(text: &str) -> Scenario {
    text::parse("test.toml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn file(scenario: &Scenario, path: &str) -> String {
    let files = program(scenario);
    let found = files.into_iter().find(|(other, _)| other == std::path::Path::new(path));
    found.unwrap_or_else(|| panic!("no {path}")).1
}

/// A method with this result and these parameters, and what `meaning` says it answers.
fn answer(signature: &str, method: u16, words: &[u64]) -> Vec<u8> {
    let mut text = String::from("calliper = 1\ntitle = \"\"\n[assemblies]\nA = {}\n[methods]\n");
    for index in 0..=method {
        text +=
            &format!("M{index} = {{ in = \"A\", code = \"r2r\", signature = \"{signature}\" }}\n");
    }
    let layout = read(&text).layout;
    let mut arguments = Vec::new();
    for (&ty, &word) in layout.method(MethodId(method)).signature.params.iter().zip(words) {
        meaning::push_value(&layout, ty, word, &mut arguments);
    }
    let mut out = Vec::new();
    meaning::push_result(&layout, MethodId(method), &arguments, &mut out);
    out
}

#[test]
fn the_vectors_of_the_support_code_are_those_of_meaning() {
    let vector =
        |name: &str| vectors().into_iter().find(|&(other, _)| other == name).expect("it exists").1;
    let bytes = |name: &str| vector(name).to_le_bytes().to_vec();
    assert_eq!(answer("ulong (int, int)", 0, &[2, 3]), bytes("HASH"));
    assert_eq!(answer("int (int, int)", 0, &[2, 3]), bytes("INT"));
    let minus_two = u64::from(-2i32 as u32);
    assert_eq!(answer("ulong (sbyte, double)", 1, &[minus_two, 1.5f64.to_bits()]), bytes("SMALL"));
    let mut wide = Vec::new();
    meaning::push_value(&Layout::default(), Type::Int128, 0x1020_3040_5060_7080, &mut wide);
    assert_eq!(wide[8..], bytes("SECOND"));
    assert_eq!(answer("ulong ()", 0, &[]), meaning::mix(METHODS, 0).to_le_bytes());
}

#[test]
fn no_mark_is_left_in_the_support_code() {
    let text = file(&Scenario::default(), "Calliper.Runtime/Calliper.cs");
    for (name, _) in vectors() {
        assert!(!text.contains(&format!("@{name}@")), "{name}");
    }
}

const BOTH_WAYS: &str = r#"
calliper = 1
title = "calls both ways"
[assemblies]
A = {}
B = {}
[methods]
InA = { in = "A", code = "r2r", signature = "void ()" }
InB = { in = "B", code = "r2r", signature = "void ()" }
[sites]
FromA = { in = "A", direct = "InB" }
FromB = { in = "B", direct = "InA" }
"#;

#[test]
fn a_site_that_closes_a_circle_stands_in_the_application() {
    let scenario = read(BOTH_WAYS);
    assert!(file(&scenario, "A/A.csproj").contains("../B/B.csproj"));
    assert!(!file(&scenario, "B/B.csproj").contains("../A/A.csproj"));
    assert!(file(&scenario, "A/A.cs").contains("void FromA() => B.InB();"));
    assert!(!file(&scenario, "B/B.cs").contains("FromB"));
    assert!(file(&scenario, "Calliper.App/Program.cs").contains("void FromB() => A.InA();"));
}

const NAMES: &str = r#"
calliper = 1
title = "names"
[assemblies]
Console = {}
console = {}
System = {}
[structs]
class = { size = 8, align = 4 }
[methods]
checked = { in = "Console", code = "r2r", signature = "class (class)" }
a = { in = "Console", code = "r2r", signature = "void ()" }
Body = { in = "console", code = "r2r", signature = "void ()" }
Nested = { in = "console", code = "r2r", signature = "void ()", symbol = "N.Outer+Inner.Run" }
Hidden = { in = "console", code = "r2r", signature = "void ()", symbol = "System.Math.Abs" }
"#;

#[test]
fn names_that_c_sharp_cannot_have_are_changed_or_escaped() {
    let scenario = read(NAMES);
    let first = file(&scenario, "Console/Console.cs");
    assert!(first.contains("static unsafe class ConsoleAssembly"), "{first}");
    assert!(first.contains("@class @checked(@class a)"), "{first}");
    assert!(first.contains("void aMethod()"), "{first}");
    let second = file(&scenario, "console_/console_.cs");
    assert!(second.contains("void BodyMethod()"), "{second}");
    let nested = "namespace N\n{\n    public partial class Outer\n    {\n        public static unsafe class \
                  Inner\n";
    assert!(second.contains(nested), "{second}");
    let lost = "// Hidden: metadata has it as System.Math.Abs, which C# cannot here.";
    assert!(second.contains(lost), "{second}");
    assert!(file(&scenario, "System_/System_.cs").starts_with("// Assembly System."));
}

const TYPES: &str = r#"
calliper = 1
title = "every type"
[structs]
Pair = { size = 8, align = 4 }
Wrap = { wraps = "double" }
None = { empty = true }
[assemblies]
A = {}
[methods]
M = { in = "A", code = "r2r", signature = "void (bool, char, sbyte, byte, short, ushort, int, uint, long, ulong, nint, nuint, float, double, void*, object, Int128, Vector128<int>, Vector256<int>, Vector512<int>, Pair, Wrap, None)" }
[sites]
C = { in = "A", direct = "M" }
[script]
events = [
    { load = "A" },
    { call = "C", args = [true, 2, -3, 4, -5, 6, -7, 8, -9, 10, -11, 12, 1.5, -2.5, 0x10, 0x2000, 17, "0x12", "0x13", "0x14", "0x15", 22, 23] },
]
"#;

/// Text with single spaces for every gap.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_type_is_declared_and_passed_as_c_sharp_has_it() {
    let scenario = read(TYPES);
    let declared = "void M(bool a, char b, sbyte c, byte d, short e, ushort f, int g, uint h, long i, \
                    ulong j, nint k, nuint l, float m, double n, void* o, object p, Int128 q, \
                    Vector128<int> r, Vector256<int> s, Vector512<int> t, Pair u, Wrap v, None w)";
    let assembly = flat(&file(&scenario, "A/A.cs"));
    assert!(assembly.contains(declared), "{assembly}");
    let passed = "A.C(true, (char)0x2, (sbyte)(-3), (byte)4, (short)(-5), (ushort)6, -7, 0x8u, \
                  unchecked((long)0xfffffffffffffff7UL), 0xaUL, (nint)(-11), (nuint)0xcu, 1.5f, -2.5, \
                  (void*)0x10u, Objects.Of<Known>(0x2000), Value.Of<Int128>(0x11), \
                  Value.Of<Vector128<int>>(0x12), Value.Of<Vector256<int>>(0x13), \
                  Value.Of<Vector512<int>>(0x14), Value.Of<Pair>(0x15), new Wrap { Value = 1.1e-322 }, \
                  default(None));";
    let script = flat(&file(&scenario, "Calliper.App/Program.cs"));
    assert!(script.contains(passed), "{script}");
    let types = flat(&file(&scenario, "Calliper.Runtime/Types.cs"));
    for shape in [
        "Size = 8)] public unsafe struct Pair { public uint First; // alignment 4 \
         public fixed byte Rest[4]; }",
        "public unsafe struct Wrap { public double Value; }",
        "public struct None { }",
    ] {
        assert!(types.contains(shape), "{types}");
    }
}

#[test]
fn projects_say_what_their_code_needs() {
    let scenario = read(TYPES);
    for project in ["A/A.csproj", "Calliper.App/Calliper.App.csproj"] {
        let text = file(&scenario, project);
        for line in [
            "<AllowUnsafeBlocks>true</AllowUnsafeBlocks>",
            "<TargetFramework Condition=\"'$(TargetFramework)' == ''\">net10.0</TargetFramework>",
        ] {
            assert!(text.contains(line), "{project}: {text}");
        }
    }
    let application = file(&scenario, "Calliper.App/Calliper.App.csproj");
    assert!(application.contains("<WasmReadyToRunAssembly Include=\"A\" />"), "{application}");
    assert!(!application.contains("NativeFileReference"), "{application}");
    let native = TYPES.replace(
        "[sites]",
        "P = { in = \"A\", code = \"native\", pinvoke = true, signature = \"void ()\" }\n[sites]",
    );
    let application = file(&read(&native), "Calliper.App/Calliper.App.csproj");
    let reference = "<NativeFileReference Include=\"../native/calliper.c\" />";
    assert!(application.contains(reference), "{application}");
}
