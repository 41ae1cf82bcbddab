//! The numbers of the runtime module's one host import.

/// What the runtime module's host import can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::FromRepr)]
#[repr(u32)]
pub enum HostFunction {
    /// `(method token, block)`: a compiled body reports and is answered.
    Probe = 0,
    /// `(transitionBlock, importThunkPEP, imageBase, rvaOfModuleCell) -> PEP`.
    ExternalMethodFixupWorker = 1,
    /// `(pep, transitionBlock, argsSize, retBuf)`.
    ExecuteInterpretedMethodWithArgs = 2,
    /// `(method token, args, argsSize, ret)`.
    ExecuteInterpretedMethodFromUnmanaged = 3,
    /// `(object, slot token) -> PEP`.
    VirtualFunctionPointer = 4,
    /// `(variable, object, function pointer, closed)`.
    DelegateConstruct = 5,
    /// `(context source, record) -> context`.
    GenericLookup = 6,
}

#[cfg(test)]
mod tests {
    use super::HostFunction;

    #[test]
    fn a_number_leads_back_to_its_function() {
        let known = (0..).map_while(HostFunction::from_repr);
        assert!(known.clone().zip(0..).all(|(function, number)| function as u32 == number));
        assert_eq!(known.count(), 7);
    }
}
