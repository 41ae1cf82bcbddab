//! What may be done to which method. Validation prints what is wanted; generation and coverage ask
//! whether anything is.

#![deny(clippy::wildcard_enum_match_arm)]

use super::{
    Action, ClassKind, Convention, Dispatch, Form, Layout, Method, RuntimePath, Signature, Slot,
    Type,
};

/// What a method would have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A managed method, for a direct call.
    Direct,
    /// A P/Invoke.
    PInvoke,
    /// The first method of a slot.
    FirstInSlot,
    /// A method of a class, for a dispatch that no interface has.
    NoInterface,
    /// A managed method of the right kind.
    Managed,
    /// What can be run for this reason, in words.
    Run(RuntimePath, &'static str),
}

impl Wanted {
    /// What is wrong with a method of this name, which is quoted already.
    pub(crate) fn message(self, name: &str) -> String {
        match self {
            Wanted::Direct => format!(
                "a direct call of {name}, which is UnmanagedCallersOnly; expected a managed method"
            ),
            Wanted::PInvoke => format!("{name} is no P/Invoke; expected one"),
            Wanted::FirstInSlot => {
                format!("{name} is not the first in a slot; expected a `virtual` method")
            }
            Wanted::NoInterface => "a V-thunk on an interface; expected `import-thunk`".into(),
            Wanted::Managed => format!("{name} is no method for that; expected a managed one"),
            Wanted::Run(path, wanted) => {
                let path = path.word();
                format!("{name} cannot be run as `{path}`; expected {wanted}")
            }
        }
    }
}

fn if_not(wanted: Wanted, good: bool) -> Result<(), Wanted> {
    if good { Ok(()) } else { Err(wanted) }
}

/// The method is one that the action, which names it, may be done to.
pub(crate) fn action(layout: &Layout, action: &Action, method: &Method) -> Result<(), Wanted> {
    match *action {
        Action::Direct { .. } => {
            if_not(Wanted::Direct, method.convention != Convention::UnmanagedCallersOnly)
        }
        Action::Ldftn(_) => if_not(Wanted::Managed, method.form != Form::StringConstructor),
        Action::PInvoke { .. } => if_not(Wanted::PInvoke, method.convention == Convention::PInvoke),
        Action::Virtual { dispatch, .. } => {
            if_not(Wanted::FirstInSlot, method.slot == Slot::Virtual)?;
            let interface =
                method.class.is_some_and(|class| layout.class(class).kind == ClassKind::Interface);
            if_not(Wanted::NoInterface, !(interface && dispatch == Dispatch::VirtualThunk))
        }
        Action::Ldvirtftn(_) => if_not(Wanted::FirstInSlot, method.slot == Slot::Virtual),
        Action::NewDelegate { closed, .. } => {
            let managed = method.convention == Convention::Managed && method.form == Form::Ordinary;
            let bound = !closed || method.is_closable();
            if_not(Wanted::Managed, managed && !method.signature.continuation && bound)
        }
        Action::Runtime { path, .. } => runtime(path, method),
        // These name no method.
        Action::ManagedCalli(_) | Action::UnmanagedCalli(_) | Action::Invoke(_) => Ok(()),
    }
}

/// The runtime can run the method for this reason.
pub(crate) fn runtime(path: RuntimePath, method: &Method) -> Result<(), Wanted> {
    let Signature { instance, context, continuation, ret, params } = &method.signature;
    let plain =
        method.convention == Convention::Managed && method.form == Form::Ordinary && !continuation;
    let nullary = plain && !context && params.is_empty();
    let (good, wanted) = match path {
        RuntimePath::Reflection => (plain, "a managed method that is not async"),
        RuntimePath::ClassConstructor => (nullary && !instance && ret.is_none(), "`void ()`"),
        RuntimePath::DefaultConstructor => {
            (nullary && *instance && ret.is_none() && !method.is_virtual(), "`instance void ()`")
        }
        RuntimePath::EntryPoint => {
            let arguments = matches!(params.as_slice(), [] | [Type::Object]);
            let result = matches!(ret, None | Some(Type::I32));
            let good = plain && !context && !instance && arguments && result;
            (good, "`void` or `int`, and no parameter or an `object`")
        }
        RuntimePath::Finalizer => {
            let good = nullary && ret.is_none() && method.slot == Slot::Virtual;
            (good, "a virtual `instance void ()`")
        }
        RuntimePath::Export => (method.reverse_thunk, "a UCO method with a reverse thunk"),
        RuntimePath::Resume => {
            let good = *continuation && !instance && !context && params.is_empty();
            (good, "an async static method without parameters")
        }
    };
    if_not(Wanted::Run(path, wanted), good)
}
