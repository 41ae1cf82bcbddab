//! The oracle: compares what a run showed with what must happen, and names what is wrong.
//!
//! # Basic idea
//!
//! A scenario means something without any loader: its script says which site calls which method
//! with which arguments, and [`meaning`](crate::scenario::meaning) what a method answers. The
//! [reference](crate::reference) works out from that alone what must happen. A run *agrees* if it
//! showed just that. Each difference is a [`Finding`]; a run without any is right.
//!
//! What is right comes from the reference only. What the verdict looks up in the VM (who put what
//! into a table slot, what lies at an address) it uses to say *what* a word is, never whether it
//! may be there, but for one question: a pointer that is handed out must be the address, or the
//! slot, that the VM itself gave to the method that the reference names.
//!
//! # What is observed
//!
//! In an [`Observation`](crate::loader::observation::Observation): for every call its pointer, the
//! bodies that ran in it with all that they were given, its result and `__stack_pointer` on both
//! sides; for every event the same of what ran in it, the word that a take stored, and the first
//! byte that was written where nothing may be; the trap that ended the process; and at the end the
//! words of every entry point and every import cell.
//!
//! # When a run agrees with the reference
//!
//! Event by event, in the order of the script:
//!
//! 1. The process does not die. A trap has a [class](FindingClass::of_trap) of its own and is laid
//!    to the innermost call that was going on. Of the event in which it happened nothing else is
//!    asked but rule 6, and nothing of the end.
//! 2. Where nothing is called, no body runs ([`FindingClass::WrongCallee`]).
//! 3. A word that is handed out is the right pointer for the method: a delegate, its own unmanaged
//!    entry with code of the type that the reference gives it, a stub's entry point for boxed
//!    receivers and shared generic code, else its own entry point ([`FindingClass::Resolution`]).
//! 4. Calls are the expected ones, in the order in which they began. In each, one body runs, the
//!    callee's ([`FindingClass::WrongCallee`]); it sees every byte that the caller passed, the
//!    caller's return buffer, a stack pointer in the stack and aligned to 16, and its own entry
//!    point ([`FindingClass::WrongArguments`]); and the caller sees every byte of its answer
//!    ([`FindingClass::WrongResult`]). The first difference in an event counts, as those behind it
//!    may follow from it.
//! 5. `__stack_pointer` is after each call, and after each event without one, what it was before
//!    ([`FindingClass::StackPointer`]).
//! 6. No byte has changed that nothing may write to ([`FindingClass::StrayWrite`]).
//!
//! At the end, if the process is still alive ([`FindingClass::Resolution`]):
//!
//! 7. An entry point belongs to its MethodDesc, and `_pActualCode` is null, a managed thunk for its
//!    own type, or the method's own code; a P/Invoke's target is not for managed callers. A
//!    method's own unmanaged entry is none, or for a UCO method its own code.
//! 8. An import cell is unresolved or holds what it imports.
//!
//! # What is excused
//!
//! * What a managed caller published for a native callee stays in `__stack_pointer` until that
//!   caller's own caller restores it (#122988).
//! * The entry point of a dynamic method that was recycled is still its own.
//! * With ReadyToRun switched off, cells stay null.
//! * Flags and byte code of entry points, MethodTables, delegates' words and V-thunks' entry
//!   points: the reference has no opinion on them, only on what a call through them does.
//!
//! # When two engines agree
//!
//! Their observations are equal and their memories are, byte for byte: one that shows what the first
//! one shows has the first one's findings, without a second comparison. Any difference is an
//! [`FindingClass::EngineDivergence`], unless one of the two ran into a limit on fuel or stack,
//! which each engine counts its own way.
//!
//! # Order, and what is the same defect
//!
//! Findings are sorted by class, gravest first, then by event, so that the first one is the
//! headline of the run. Two runs show the same defect if their [fingerprints](Finding::fingerprint)
//! are equal: class, kind of site, kind of caller and kind of value, without addresses and names.

mod account;
mod arguments;
mod class;
mod compare;
mod engines;
mod finals;
mod finding;
mod fingerprint;
mod mismatch;
mod pointer;
mod run;
mod value;

pub use class::{FindingClass, UnknownClass};
pub use compare::findings;
pub use engines::{divergence, same};
pub use finding::Finding;
pub use run::Run;
