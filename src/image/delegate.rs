//! Delegate objects: where their words lie (measured on a published build).

/// Offset of `_target`: the receiver or first argument that the delegate is closed over, or the
/// delegate itself.
pub(crate) const TARGET: u32 = 4;
/// Offset of `_methodPtr`: the entry point that `Invoke` calls.
pub(crate) const METHOD_PTR: u32 = 12;
/// Offset of `_methodPtrAux`: what an open delegate's shuffle thunk calls.
pub(crate) const METHOD_PTR_AUX: u32 = 16;
/// Bytes of a delegate object.
pub(crate) const DELEGATE_SIZE: u32 = 32;
