//! The classes of findings.

use strum::VariantArray;

use crate::engine::Trap;

/// What kind of wrong a run is, gravest first: a run's headline is its first class in this order.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    VariantArray,
)]
#[strum(
    serialize_all = "kebab-case",
    parse_err_ty = UnknownClass,
    parse_err_fn = UnknownClass::new
)]
pub enum FindingClass {
    /// Two engines disagree about the same modules: a defect of an engine or of Calliper.
    EngineDivergence,
    /// `call_indirect` found a function of another type.
    SignatureMismatch,
    /// `call_indirect` found a null slot.
    NullSlot,
    /// A table index or an address past the end.
    OutOfBounds,
    /// The VM gave up: an assertion or a fail-fast.
    Abort,
    /// A limit on instructions or stack ended the run.
    ResourceLimit,
    /// The call reached a body that it does not mean, or none.
    WrongCallee,
    /// The right body saw other arguments than the caller passed, hidden ones included.
    WrongArguments,
    /// The caller saw another result than the body gave.
    WrongResult,
    /// A byte was written that nothing may write to.
    StrayWrite,
    /// `__stack_pointer` is not what it was before the call.
    StackPointer,
    /// A pointer, cell or entry point holds the wrong thing, whether or not a call noticed.
    Resolution,
}

impl FindingClass {
    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The class of a run that ended in this trap.
    pub fn of_trap(trap: Trap) -> FindingClass {
        match trap {
            Trap::SignatureMismatch => FindingClass::SignatureMismatch,
            Trap::NullElement => FindingClass::NullSlot,
            Trap::TableOutOfBounds | Trap::MemoryOutOfBounds => FindingClass::OutOfBounds,
            Trap::Unreachable => FindingClass::Abort,
            Trap::StackExhausted | Trap::OutOfFuel => FindingClass::ResourceLimit,
        }
    }
}

/// Not the name of a class: says which there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown finding class `{name}`; expected one of {known}", known = names())]
pub struct UnknownClass {
    name: String,
}

impl UnknownClass {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}

/// The names of all classes, gravest first.
fn names() -> String {
    FindingClass::VARIANTS.iter().map(|class| class.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenarios, findings and scripts are written in these.
    #[test]
    fn names_are_read_as_they_are_written() {
        assert_eq!(
            names(),
            "engine-divergence, signature-mismatch, null-slot, out-of-bounds, abort, \
             resource-limit, wrong-callee, wrong-arguments, wrong-result, stray-write, \
             stack-pointer, resolution"
        );
        for &class in FindingClass::VARIANTS {
            assert_eq!(class.name().parse(), Ok(class));
            assert_eq!(format!("{class:<20}|"), format!("{:<20}|", class.name()));
        }
        let error = "nope".parse::<FindingClass>().expect_err("there is none");
        assert!(error.to_string().starts_with("unknown finding class `nope`; expected one of "));
    }
}
