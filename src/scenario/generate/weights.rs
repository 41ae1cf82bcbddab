//! How often each choice is made: every number that shapes generated scenarios.
//!
//! A table's weights need not sum to anything. The first row is taken when
//! there are no more bytes to choose by.

use super::super::{Code, Convention, Type};

/// The most methods in a layout.
pub const MAX_METHODS: usize = 8;
/// The most value types in a layout.
pub const MAX_STRUCTS: usize = 4;
/// The most call sites in a layout.
pub const MAX_SITES: usize = 24;
/// The most events in a script, loads included.
pub const MAX_EVENTS: usize = 16;

/// The fewest steps of a script that are tried; each may be several events, or none.
pub const MIN_STEPS: usize = 4;

/// How many assemblies.
pub const ASSEMBLIES: [(usize, u32); 3] = [(1, 50), (2, 35), (3, 15)];

/// Size and alignment of a struct of several fields.
pub const OPAQUE: [((u32, u32), u32); 10] = [
    ((8, 4), 15),
    ((12, 4), 15),
    ((16, 8), 15),
    ((24, 8), 15),
    ((2, 1), 5),
    ((4, 2), 10),
    ((3, 1), 5),
    ((32, 8), 10),
    ((32, 16), 5),
    ((48, 8), 10),
];
/// Percentage of structs that have one field.
pub const WRAPPER: u32 = 45;
/// The only field of a wrapper. An earlier struct is wrapped as often as one of these.
pub const WRAPPED: [(Type, u32); 9] = [
    (Type::F64, 20),
    (Type::I32, 15),
    (Type::I64, 15),
    (Type::F32, 15),
    (Type::U8, 10),
    (Type::I16, 5),
    (Type::Int128, 10),
    (Type::Vector128, 10),
    (Type::Object, 5),
];
/// Percentage of wrappers that wrap an earlier struct.
pub const WRAPS_STRUCT: u32 = 25;

/// A primitive in a signature.
pub const PRIMITIVE: [(Type, u32); 18] = [
    (Type::I32, 40),
    (Type::U32, 5),
    (Type::NInt, 5),
    (Type::NUInt, 2),
    (Type::Pointer, 5),
    (Type::Object, 4),
    (Type::Bool, 3),
    (Type::Char, 2),
    (Type::I8, 3),
    (Type::U8, 2),
    (Type::I16, 2),
    (Type::U16, 2),
    (Type::I64, 12),
    (Type::U64, 4),
    (Type::F32, 6),
    (Type::F64, 8),
    (Type::Int128, 5),
    (Type::Vector128, 5),
];
/// Percentage of types that are a struct, if there is one.
pub const STRUCT_TYPE: u32 = 25;
/// Percentage of signatures with a result.
pub const RESULT: u32 = 70;
/// Percentage of fresh managed signatures that are instance methods.
pub const INSTANCE: u32 = 25;
/// How many parameters.
pub const PARAMS: [(usize, u32); 7] = [(2, 30), (0, 10), (1, 20), (3, 20), (4, 10), (6, 6), (9, 4)];

/// How a method is entered.
pub const CONVENTION: [(Convention, u32); 2] =
    [(Convention::Managed, 55), (Convention::UnmanagedCallersOnly, 45)];
/// Which code a method has.
pub const CODE: [(Code, u32); 3] =
    [(Code::ReadyToRun, 40), (Code::Interpreted, 30), (Code::Both, 30)];
/// Percentage of UCO methods with a reverse thunk, where one may be missing.
pub const REVERSE_THUNK: u32 = 80;

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
    [(Kinship::Fresh, 35), (Kinship::Same, 25), (Kinship::Padded, 25), (Kinship::Respelled, 15)];

/// Who runs a site; native code runs unmanaged calls only.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// Compiled code.
    ReadyToRun,
    /// The interpreter.
    Interpreter,
    /// C code.
    Native,
}
/// How often each caller of a managed action.
pub const MANAGED_BY: [(By, u32); 2] = [(By::ReadyToRun, 65), (By::Interpreter, 35)];
/// How often each caller of an unmanaged call.
pub const UNMANAGED_BY: [(By, u32); 3] =
    [(By::ReadyToRun, 45), (By::Interpreter, 25), (By::Native, 30)];
/// Percentage of managed methods that are called directly.
pub const DIRECT: u32 = 60;
/// Percentage of directly called methods that are called by pointer as well.
pub const DIRECT_AND_POINTER: u32 = 50;
/// Percentage of direct calls that are bound when their caller is prepared.
pub const EAGER: u32 = 30;
/// Percentage of sites in the callee's own assembly, if there are others.
pub const SAME_ASSEMBLY: u32 = 50;
/// Percentage of methods that get a second set of sites.
pub const MORE_SITES: u32 = 35;

/// Percentage of scripts that load everything first.
pub const LOAD_FIRST: u32 = 60;
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
}
/// How often each step.
pub const STEP: [(Step, u32); 5] =
    [(Step::Call, 50), (Step::Take, 15), (Step::Prepare, 14), (Step::Touch, 14), (Step::Load, 7)];
/// Percentage of pointers that go into a new variable.
pub const NEW_VARIABLE: u32 = 70;
/// Percentage of argument words that are extreme ones.
pub const EXTREME_WORD: u32 = 15;
