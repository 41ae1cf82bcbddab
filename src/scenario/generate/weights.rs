//! How often each choice is made: every number that shapes generated scenarios.
//!
//! A table's weights need not sum to anything. The first row is taken when
//! there are no more bytes to choose by. Percentages that say how often
//! something *rare* happens are never met without bytes.

use super::super::{CallerKind, ClassKind, Code, Dispatch, RuntimePath, Type};

// How large a scenario is.

/// The most methods in a layout.
pub const MAX_METHODS: usize = 32;
/// The most value types in a layout.
pub const MAX_STRUCTS: usize = 6;
/// The most classes in a layout.
pub const MAX_CLASSES: usize = 12;
/// The most call sites in a layout.
pub const MAX_SITES: usize = 96;
/// The most events in a script, loads included.
pub const MAX_EVENTS: usize = 32;

/// How many assemblies.
pub const ASSEMBLIES: [(usize, u32); 4] = [(1, 35), (2, 40), (3, 17), (4, 8)];
/// How many value types.
pub const STRUCTS: [(usize, u32); 5] = [(0, 20), (1, 25), (2, 25), (3, 15), (MAX_STRUCTS, 15)];
/// How many methods at least. A family is never cut, so that there may be two more.
pub const METHODS: [(usize, u32); 8] =
    [(1, 12), (2, 20), (3, 22), (4, 18), (6, 14), (9, 8), (16, 4), (MAX_METHODS - 2, 2)];
/// How many steps of a script are tried; each may be several events, or none.
pub const STEPS: [(usize, u32); 5] = [(6, 30), (4, 15), (9, 30), (14, 17), (24, 8)];
/// Percentage of scenarios in which ReadyToRun is switched off.
pub const INTERPRETER_ONLY: u32 = 4;

// Value types.

/// Size and alignment of a struct of several fields.
pub const OPAQUE: [((u32, u32), u32); 20] = [
    ((8, 4), 16),
    ((12, 4), 10),
    ((16, 8), 8),
    ((16, 4), 5),
    ((24, 8), 7),
    ((24, 4), 3),
    ((2, 1), 4),
    ((4, 2), 6),
    ((3, 1), 4),
    ((8, 2), 2),
    ((32, 8), 8),
    ((32, 4), 6),
    ((32, 16), 8),
    ((48, 8), 6),
    ((48, 16), 5),
    ((52, 4), 4),
    ((64, 16), 2),
    ((304, 8), 3),
    ((304, 16), 2),
    ((1024, 16), 1),
];
/// How often each shape of a struct.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Several fields, by [`OPAQUE`].
    Opaque,
    /// As large as an earlier one, and aligned otherwise.
    Realigned,
    /// One primitive field, by [`WRAPPED`].
    Wrapper,
    /// One field, of an earlier struct's type.
    WrapsStruct,
    /// No field.
    Empty,
}
/// How often each shape; one that needs an earlier struct is [`Shape::Opaque`] without.
pub const SHAPE: [(Shape, u32); 5] = [
    (Shape::Opaque, 38),
    (Shape::Realigned, 20),
    (Shape::Wrapper, 24),
    (Shape::WrapsStruct, 12),
    (Shape::Empty, 6),
];
/// The only field of a wrapper.
pub const WRAPPED: [(Type, u32); 10] = [
    (Type::F64, 20),
    (Type::I32, 12),
    (Type::I64, 15),
    (Type::F32, 12),
    (Type::U8, 8),
    (Type::I16, 5),
    (Type::Int128, 10),
    (Type::Vector128, 10),
    (Type::Object, 5),
    (Type::Vector256, 3),
];

// Signatures.

/// A primitive in a signature.
pub const PRIMITIVE: [(Type, u32); 20] = [
    (Type::I32, 36),
    (Type::U32, 4),
    (Type::NInt, 4),
    (Type::NUInt, 2),
    (Type::Pointer, 5),
    (Type::Object, 8),
    (Type::Bool, 3),
    (Type::Char, 2),
    (Type::I8, 3),
    (Type::U8, 2),
    (Type::I16, 2),
    (Type::U16, 2),
    (Type::I64, 10),
    (Type::U64, 3),
    (Type::F32, 5),
    (Type::F64, 7),
    (Type::Int128, 5),
    (Type::Vector128, 6),
    (Type::Vector256, 2),
    (Type::Vector512, 1),
];
/// Percentage of types that are a struct, if there is one.
pub const STRUCT_TYPE: u32 = 30;
/// Percentage of signatures with a result.
pub const RESULT: u32 = 70;
/// How many parameters.
pub const PARAMS: [(usize, u32); 9] =
    [(2, 28), (0, 10), (1, 22), (3, 18), (4, 10), (6, 6), (9, 4), (17, 1), (40, 1)];

/// What the parameters of a new signature look like.
#[derive(Clone, Copy, Debug)]
pub enum Pattern {
    /// Anything.
    Any,
    /// Words alone, so that a shift by a hidden argument still has the same wasm type.
    Words,
    /// An `object` first, and often a result by buffer: what a delegate can be closed over.
    Closable,
    /// An odd number of slots in front of something that is aligned to two.
    Odd,
    /// Several vectors in a row.
    Vectors,
    /// Words, then a struct by reference (`iiS8p` and its like).
    Struct,
}
/// How often each pattern.
pub const PATTERN: [(Pattern, u32); 6] = [
    (Pattern::Any, 36),
    (Pattern::Words, 22),
    (Pattern::Closable, 17),
    (Pattern::Odd, 9),
    (Pattern::Vectors, 6),
    (Pattern::Struct, 10),
];
/// What is aligned to two slots, where there is no struct that is.
pub const WIDE: [(Type, u32); 3] =
    [(Type::Int128, 50), (Type::Vector128, 40), (Type::Vector256, 10)];
/// A vector in a row of them.
pub const VECTOR: [(Type, u32); 3] =
    [(Type::Vector128, 70), (Type::Vector256, 20), (Type::Vector512, 10)];
/// Results by buffer where there is no struct.
pub const BUFFERED: [(Type, u32); 3] =
    [(Type::Int128, 60), (Type::Vector256, 25), (Type::Vector512, 15)];
/// Percentage of closable signatures whose result goes through a buffer.
pub const CLOSABLE_BUFFER: u32 = 65;

/// What a method's signature has to do with an earlier method's.
#[derive(Clone, Copy, Debug)]
pub enum Kinship {
    /// Nothing.
    Fresh,
    /// It is the same.
    Same,
    /// It lowers to the same wasm type through other hidden parameters.
    Padded,
    /// It lowers to the same wasm type, or nearly, through other C# types.
    Respelled,
}
/// How often each kinship.
pub const KINSHIP: [(Kinship, u32); 4] =
    [(Kinship::Fresh, 45), (Kinship::Same, 20), (Kinship::Padded, 20), (Kinship::Respelled, 15)];

// Methods.

/// What is added to a layout at once: a method or a few that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A static method.
    Static,
    /// An instance method that is not virtual.
    Instance,
    /// A virtual method of a class, with overrides in classes that extend it.
    Virtual,
    /// A method of an interface, with the types that implement it.
    Interface,
    /// `[UnmanagedCallersOnly]`.
    UnmanagedCallersOnly,
    /// A P/Invoke.
    PInvoke,
    /// An FCall.
    FCall,
    /// A constructor of `System.String`.
    StringConstructor,
    /// Shared generic code, static or not.
    Generic,
    /// A runtime-async method.
    Async,
    /// A class constructor.
    ClassConstructor,
    /// A default constructor.
    DefaultConstructor,
    /// The program's entry point.
    EntryPoint,
    /// A finalizer, with an override.
    Finalizer,
    /// Two dynamic methods.
    Dynamic,
}
/// How often each family.
pub const FAMILY: [(Family, u32); 15] = [
    (Family::Static, 22),
    (Family::UnmanagedCallersOnly, 22),
    (Family::Virtual, 9),
    (Family::Interface, 9),
    (Family::Instance, 6),
    (Family::Generic, 7),
    (Family::Async, 6),
    (Family::StringConstructor, 5),
    (Family::PInvoke, 5),
    (Family::FCall, 4),
    (Family::ClassConstructor, 3),
    (Family::DefaultConstructor, 3),
    (Family::Finalizer, 3),
    (Family::EntryPoint, 3),
    (Family::Dynamic, 3),
];
/// Which code a method has.
pub const CODE: [(Code, u32); 4] =
    [(Code::ReadyToRun, 38), (Code::Interpreted, 36), (Code::Both, 16), (Code::Rejected, 10)];
/// Percentage of UCO methods with a reverse thunk, where one may be missing.
pub const REVERSE_THUNK: u32 = 80;
/// Percentage of UCO methods with a namesake: method name, arity and innermost type are the same.
pub const NAMESAKE: u32 = 15;
/// Percentage of those whose type is nested in another.
pub const NESTED: u32 = 75;
/// Percentage of generic methods that are instance methods.
pub const GENERIC_INSTANCE: u32 = 30;
/// Percentage of async methods that can be resumed: static, and without parameters.
pub const RESUMABLE: u32 = 50;
/// Percentage of async methods that are generic or instance methods, if not resumable.
pub const ASYNC_HIDDEN: u32 = 35;
/// Percentage of entry points with the `string[]` parameter, and of those with a result.
pub const MAIN_ARGUMENTS: u32 = 60;

// Classes.

/// Percentage of methods that go to a class that is there already, if one will do.
pub const KNOWN_CLASS: u32 = 45;
/// Percentage of virtual methods that a class below overrides.
pub const OVERRIDDEN: u32 = 80;
/// Percentage of overrides that are overridden once more.
pub const OVERRIDDEN_AGAIN: u32 = 25;
/// Percentage of classes below that only inherit.
pub const HEIR: u32 = 25;
/// Percentage of interfaces with a second type that implements them.
pub const SECOND_IMPLEMENTATION: u32 = 40;
/// What implements an interface, or has an instance method.
pub const IMPLEMENTATION: [(ClassKind, u32); 2] = [(ClassKind::Struct, 55), (ClassKind::Class, 45)];
/// Percentage of instance methods that belong to no class of the scenario.
pub const CLASSLESS: u32 = 25;

// Call sites.

/// A way to reach a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A direct call.
    Direct,
    /// A call through the slot.
    Virtual,
    /// `ldftn`, and an indirect call.
    Pointer,
    /// `ldvirtftn`, and an indirect call.
    VirtualPointer,
    /// A closed delegate, if it can be closed, and its `Invoke`.
    Closed,
    /// An open delegate, and its `Invoke`.
    Open,
    /// An inlined P/Invoke.
    PInvoke,
    /// The runtime's own way.
    Runtime(RuntimePath),
}
/// How a static method is reached.
pub const STATIC: [(Way, u32); 5] = [
    (Way::Direct, 36),
    (Way::Pointer, 26),
    (Way::Closed, 16),
    (Way::Open, 10),
    (Way::Runtime(RuntimePath::Reflection), 12),
];
/// How a static method that a delegate can be closed over is reached.
pub const CLOSABLE: [(Way, u32); 5] = [
    (Way::Closed, 46),
    (Way::Direct, 20),
    (Way::Pointer, 14),
    (Way::Open, 10),
    (Way::Runtime(RuntimePath::Reflection), 10),
];
/// How an instance method or an override is reached, other than by its slot.
pub const INSTANCE: [(Way, u32); 5] = [
    (Way::Direct, 30),
    (Way::Closed, 24),
    (Way::Open, 16),
    (Way::Pointer, 14),
    (Way::Runtime(RuntimePath::Reflection), 16),
];
/// How a slot is called.
pub const SLOT: [(Way, u32); 6] = [
    (Way::Virtual, 42),
    (Way::VirtualPointer, 16),
    (Way::Closed, 16),
    (Way::Open, 14),
    (Way::Direct, 6),
    (Way::Runtime(RuntimePath::Reflection), 6),
];
/// How an async method is reached.
pub const ASYNC: [(Way, u32); 3] =
    [(Way::Direct, 50), (Way::Runtime(RuntimePath::Resume), 30), (Way::Pointer, 20)];
/// How a P/Invoke is reached.
pub const PINVOKE: [(Way, u32); 3] = [(Way::PInvoke, 60), (Way::Direct, 25), (Way::Pointer, 15)];
/// How a UCO method is reached.
pub const UCO: [(Way, u32); 2] = [(Way::Pointer, 70), (Way::Runtime(RuntimePath::Export), 30)];
/// How a dynamic method is reached.
pub const DYNAMIC: [(Way, u32); 2] = [(Way::Pointer, 65), (Way::Direct, 35)];
/// Percentage of methods that the runtime can run in a way of its own and does.
pub const OWN_PATH: u32 = 75;
/// Percentage of methods that get a further way, each time.
pub const ANOTHER_WAY: u32 = 40;

/// How often each caller of a managed action.
pub const MANAGED_BY: [(CallerKind, u32); 2] =
    [(CallerKind::ReadyToRun, 60), (CallerKind::Interpreter, 40)];
/// How often each caller of an unmanaged call.
pub const UNMANAGED_BY: [(CallerKind, u32); 3] =
    [(CallerKind::ReadyToRun, 45), (CallerKind::Interpreter, 25), (CallerKind::Native, 30)];
/// Percentage of direct calls that are bound when their caller is prepared.
pub const EAGER: u32 = 30;
/// How compiled code calls a class's slot.
pub const DISPATCH: [(Dispatch, u32); 2] =
    [(Dispatch::VirtualThunk, 55), (Dispatch::ImportThunk, 45)];
/// Percentage of inlined P/Invokes without a transition frame.
pub const SUPPRESS_TRANSITION: u32 = 35;
/// Percentage of sites in the callee's own assembly, if there are others.
pub const SAME_ASSEMBLY: u32 = 45;

// Scripts.

/// How a script begins.
#[derive(Clone, Copy, Debug)]
pub enum Opening {
    /// Everything is loaded.
    LoadAll,
    /// Nothing in particular: what is needed is loaded when it is.
    None,
    /// Something is done with a method before what calls it is loaded, and then it is called.
    Early(Step),
}
/// How often each opening.
pub const OPENING: [(Opening, u32); 5] = [
    (Opening::LoadAll, 40),
    (Opening::None, 20),
    (Opening::Early(Step::Touch), 15),
    (Opening::Early(Step::Take), 15),
    (Opening::Early(Step::Prepare), 10),
];
/// What a step of the script tries to do.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Call a site, and take a pointer first if it needs one.
    Call,
    /// Take a pointer.
    Take,
    /// Prepare a method.
    Prepare,
    /// Touch a method.
    Touch,
    /// Load an assembly.
    Load,
    /// Reset an entry point.
    Reset,
    /// Give a dynamic method's MethodDesc to another one.
    Recycle,
}
/// How often each step.
pub const STEP: [(Step, u32); 7] = [
    (Step::Call, 60),
    (Step::Take, 12),
    (Step::Prepare, 9),
    (Step::Touch, 8),
    (Step::Load, 5),
    (Step::Reset, 4),
    (Step::Recycle, 2),
];
/// Percentage of pointers that go into a new variable.
pub const NEW_VARIABLE: u32 = 60;
/// Percentage of calls whose callee calls something, at each depth.
pub const INSIDE: u32 = 14;
/// Percentage of those that make a second call inside.
pub const INSIDE_TWICE: u32 = 30;
/// Percentage of receivers, and of `object` arguments, that are instances of a class.
pub const INSTANCE_OF_CLASS: u32 = 80;
/// Percentage of argument words that are extreme ones.
pub const EXTREME_WORD: u32 = 15;
/// Those words.
pub const EXTREMES: [u64; 6] = [0, 1, u64::MAX, 1 << 63, 0x8000_0000, 0x7fff_ffff_ffff_ffff];
