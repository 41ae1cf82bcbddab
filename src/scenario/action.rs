//! What a call site does: the one description of every action.
//!
//! [`Action::parts`] says what an action is done to and what it needs, and [`ActionKind`] what it
//! is called. Text, validation, generation, mutation, coverage and the names in findings ask these.
//! Only who does something else for each action matches on [`Action`] itself: images, the loader,
//! the reference, accounts of findings and C#.

#![deny(clippy::wildcard_enum_match_arm)]
#![expect(clippy::too_many_arguments, reason = "constructors of derived mutators")]

use mutatis::Mutate;
use serde::{Deserialize, Serialize};
use strum::EnumCount;

use super::layout::{Layout, MethodId};
use super::site::CallerKind;
use super::types::Signature;

/// What a call site does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Action {
    /// A managed call of a known method, through an import cell.
    Direct {
        /// The callee.
        callee: MethodId,
        /// When the import cell is resolved.
        binding: Binding,
    },
    /// A call through the receiver's virtual or interface slot.
    Virtual {
        /// The first method of the slot.
        method: MethodId,
        /// How compiled code finds the receiver's code.
        dispatch: Dispatch,
    },
    /// `delegate*<...>`: the value is a portable entry point's address.
    ManagedCalli(Signature),
    /// `delegate* unmanaged<...>`, or a C function pointer when the caller is
    /// native: the value is a table index.
    UnmanagedCalli(Signature),
    /// A delegate's `Invoke`, with this static signature: the value is the delegate.
    Invoke(Signature),
    /// An inlined P/Invoke.
    PInvoke {
        /// The P/Invoke.
        callee: MethodId,
        /// `[SuppressGCTransition]`: no transition frame.
        suppress_gc_transition: bool,
    },
    /// `ldftn`: takes the method's address for later.
    Ldftn(MethodId),
    /// `ldvirtftn`: takes the address of the receiver's override for later.
    Ldvirtftn(MethodId),
    /// `newobj` of a delegate, for later.
    NewDelegate {
        /// What it calls.
        method: MethodId,
        /// Whether it is bound to its first argument.
        closed: bool,
    },
    /// The runtime itself runs the method.
    Runtime {
        /// Why.
        path: RuntimePath,
        /// What it runs.
        callee: MethodId,
    },
}

/// When an import cell gets its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Binding {
    /// At the first call, through the import thunk.
    Lazy,
    /// When the method that holds the site is prepared.
    Eager,
}

/// How compiled code finds a receiver's code.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Mutate,
)]
pub enum Dispatch {
    /// Each call goes through the import thunk, which asks the VM. Interfaces always do.
    ImportThunk,
    /// A thunk of the image's reads the slot from the receiver's MethodTable (#133146).
    VirtualThunk,
}

/// Why the runtime runs a method by itself.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    Mutate,
    EnumCount,
)]
pub enum RuntimePath {
    /// `MethodBase.Invoke`.
    Reflection,
    /// A class constructor (`RunClassInitEx`).
    ClassConstructor,
    /// A default constructor (`CallDefaultConstructor`).
    DefaultConstructor,
    /// The program's entry point (`RunMainInternal`).
    EntryPoint,
    /// The finalizer of the receiver's class (`RunFinalizers`).
    Finalizer,
    /// C code calls the exported wrapper of a UCO method by name.
    Export,
    /// A suspended runtime-async method goes on, through its resumption stub.
    Resume,
}

impl RuntimePath {
    #[cfg(test)]
    pub const ALL: [RuntimePath; RuntimePath::COUNT] = [
        RuntimePath::Reflection,
        RuntimePath::ClassConstructor,
        RuntimePath::DefaultConstructor,
        RuntimePath::EntryPoint,
        RuntimePath::Finalizer,
        RuntimePath::Export,
        RuntimePath::Resume,
    ];

    /// The kind of a site that has the runtime do it.
    pub fn kind(self) -> ActionKind {
        match self {
            RuntimePath::Reflection => ActionKind::Reflection,
            RuntimePath::ClassConstructor => ActionKind::ClassConstructor,
            RuntimePath::DefaultConstructor => ActionKind::DefaultConstructor,
            RuntimePath::EntryPoint => ActionKind::EntryPoint,
            RuntimePath::Finalizer => ActionKind::Finalizer,
            RuntimePath::Export => ActionKind::Export,
            RuntimePath::Resume => ActionKind::Resume,
        }
    }

    /// The word that the text form and findings have for it.
    pub fn word(self) -> &'static str {
        self.kind().word()
    }
}

/// An action without what it is done to; each reason of the runtime's is a kind of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumCount)]
pub enum ActionKind {
    Ldftn,
    Ldvirtftn,
    NewDelegate,
    ManagedCalli,
    UnmanagedCalli,
    Direct,
    Virtual,
    Invoke,
    PInvoke,
    Reflection,
    ClassConstructor,
    DefaultConstructor,
    EntryPoint,
    Finalizer,
    Export,
    Resume,
}

/// What is the same for all actions of one kind.
struct Row {
    /// The key of the text form, for code in an assembly and for the runtime.
    word: &'static str,
    /// What findings call it.
    name: &'static str,
    /// What names of generated sites start with.
    label: &'static str,
    /// Who may hold such a site, the most ordinary first.
    callers: &'static [CallerKind],
    /// It calls by the unmanaged convention.
    unmanaged: bool,
    /// What there is to choose about it.
    choice: Option<Choice>,
    /// How one is made.
    make: Make,
}

/// How an action is made from what it is done to.
#[derive(Clone, Copy, Debug)]
pub enum Make {
    /// From the method that it names, and from whether its [`Choice`] is the other one than usual.
    OfMethod(fn(MethodId, bool) -> Action),
    /// From the signature that it states.
    OfSignature(fn(Signature) -> Action),
}

const IN_ASSEMBLIES: &[CallerKind] = &[CallerKind::ReadyToRun, CallerKind::Interpreter];
const ANYWHERE: &[CallerKind] =
    &[CallerKind::ReadyToRun, CallerKind::Interpreter, CallerKind::Native];
const OUTSIDE: &[CallerKind] = &[CallerKind::Native];

impl ActionKind {
    /// Every kind, in the order in which messages list them.
    pub const ALL: [ActionKind; ActionKind::COUNT] = [
        ActionKind::Ldftn,
        ActionKind::Ldvirtftn,
        ActionKind::NewDelegate,
        ActionKind::ManagedCalli,
        ActionKind::UnmanagedCalli,
        ActionKind::Direct,
        ActionKind::Virtual,
        ActionKind::Invoke,
        ActionKind::PInvoke,
        ActionKind::Reflection,
        ActionKind::ClassConstructor,
        ActionKind::DefaultConstructor,
        ActionKind::EntryPoint,
        ActionKind::Finalizer,
        ActionKind::Export,
        ActionKind::Resume,
    ];

    fn row(self) -> Row {
        let row = |word, label, callers, make| Row {
            word,
            name: word,
            label,
            callers,
            unmanaged: false,
            choice: None,
            make,
        };
        let run = |word, make| row(word, "Runtime", OUTSIDE, Make::OfMethod(make));
        match self {
            ActionKind::Ldftn => row(
                "ldftn",
                "Ldftn",
                IN_ASSEMBLIES,
                Make::OfMethod(|method, _| Action::Ldftn(method)),
            ),
            ActionKind::Ldvirtftn => row(
                "ldvirtftn",
                "Ldvirtftn",
                IN_ASSEMBLIES,
                Make::OfMethod(|method, _| Action::Ldvirtftn(method)),
            ),
            ActionKind::NewDelegate => Row {
                choice: Some(Choice::Closed),
                ..row(
                    "delegate",
                    "Delegate",
                    IN_ASSEMBLIES,
                    Make::OfMethod(|method, closed| Action::NewDelegate { method, closed }),
                )
            },
            ActionKind::ManagedCalli => Row {
                name: "managed-calli",
                ..row("calli", "Calli", IN_ASSEMBLIES, Make::OfSignature(Action::ManagedCalli))
            },
            ActionKind::UnmanagedCalli => Row {
                name: "unmanaged-calli",
                unmanaged: true,
                ..row("unmanaged", "Unmanaged", ANYWHERE, Make::OfSignature(Action::UnmanagedCalli))
            },
            ActionKind::Direct => Row {
                choice: Some(Choice::Binding),
                ..row(
                    "direct",
                    "Direct",
                    IN_ASSEMBLIES,
                    Make::OfMethod(|callee, eager| Action::Direct {
                        callee,
                        binding: if eager { Binding::Eager } else { Binding::Lazy },
                    }),
                )
            },
            ActionKind::Virtual => Row {
                choice: Some(Choice::Dispatch),
                ..row(
                    "virtual",
                    "Virtual",
                    IN_ASSEMBLIES,
                    Make::OfMethod(|method, thunk| Action::Virtual {
                        method,
                        dispatch: if thunk {
                            Dispatch::VirtualThunk
                        } else {
                            Dispatch::ImportThunk
                        },
                    }),
                )
            },
            ActionKind::Invoke => {
                row("invoke", "Invoke", IN_ASSEMBLIES, Make::OfSignature(Action::Invoke))
            }
            ActionKind::PInvoke => Row {
                unmanaged: true,
                choice: Some(Choice::SuppressGcTransition),
                ..row(
                    "pinvoke",
                    "PInvoke",
                    IN_ASSEMBLIES,
                    Make::OfMethod(|callee, suppress_gc_transition| Action::PInvoke {
                        callee,
                        suppress_gc_transition,
                    }),
                )
            },
            ActionKind::Reflection => {
                run("reflection", |m, _| Action::runtime(RuntimePath::Reflection, m))
            }
            ActionKind::ClassConstructor => {
                run("class-constructor", |m, _| Action::runtime(RuntimePath::ClassConstructor, m))
            }
            ActionKind::DefaultConstructor => run("default-constructor", |m, _| {
                Action::runtime(RuntimePath::DefaultConstructor, m)
            }),
            ActionKind::EntryPoint => {
                run("entry-point", |m, _| Action::runtime(RuntimePath::EntryPoint, m))
            }
            ActionKind::Finalizer => {
                run("finalizer", |m, _| Action::runtime(RuntimePath::Finalizer, m))
            }
            ActionKind::Export => run("export", |m, _| Action::runtime(RuntimePath::Export, m)),
            ActionKind::Resume => run("resume", |m, _| Action::runtime(RuntimePath::Resume, m)),
        }
    }

    /// The key that the text form has for it; see [`Site::word`](super::Site::word) for C code.
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// What fingerprints of findings call it.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// What names of generated sites start with.
    pub(crate) fn label(self) -> &'static str {
        self.row().label
    }

    /// Who may hold such a site, the most ordinary first.
    pub fn callers(self) -> &'static [CallerKind] {
        self.row().callers
    }

    /// Such an action calls by the unmanaged convention, and an R2R caller publishes its frame for
    /// that.
    pub fn is_unmanaged(self) -> bool {
        self.row().unmanaged
    }

    /// What there is to choose about such an action, besides what it is done to.
    pub fn choice(self) -> Option<Choice> {
        self.row().choice
    }

    /// How such an action is made.
    pub fn make(self) -> Make {
        self.row().make
    }

    /// Such an action gives a pointer or a delegate, and calls nothing.
    pub fn takes(self) -> bool {
        match self.make() {
            Make::OfMethod(make) => make(MethodId(0), false).takes(),
            Make::OfSignature(_) => false,
        }
    }

    /// Why the runtime does it, if it does.
    pub fn runtime_path(self) -> Option<RuntimePath> {
        match self {
            ActionKind::Ldftn
            | ActionKind::Ldvirtftn
            | ActionKind::NewDelegate
            | ActionKind::ManagedCalli
            | ActionKind::UnmanagedCalli
            | ActionKind::Direct
            | ActionKind::Virtual
            | ActionKind::Invoke
            | ActionKind::PInvoke => None,
            ActionKind::Reflection => Some(RuntimePath::Reflection),
            ActionKind::ClassConstructor => Some(RuntimePath::ClassConstructor),
            ActionKind::DefaultConstructor => Some(RuntimePath::DefaultConstructor),
            ActionKind::EntryPoint => Some(RuntimePath::EntryPoint),
            ActionKind::Finalizer => Some(RuntimePath::Finalizer),
            ActionKind::Export => Some(RuntimePath::Export),
            ActionKind::Resume => Some(RuntimePath::Resume),
        }
    }
}

/// What there is to choose about some actions. One answer is the usual one, which the text form
/// leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumCount)]
pub enum Choice {
    /// When the import cell of a direct call is resolved.
    Binding,
    /// How compiled code dispatches a virtual call.
    Dispatch,
    /// Whether a delegate is bound to its first argument.
    Closed,
    /// Whether a P/Invoke has no transition frame.
    SuppressGcTransition,
}

impl Choice {
    /// Every choice, in the order in which the text form is checked.
    pub const ALL: [Choice; Choice::COUNT] =
        [Choice::Binding, Choice::Dispatch, Choice::Closed, Choice::SuppressGcTransition];

    /// The key of the text form.
    pub fn key(self) -> &'static str {
        match self {
            Choice::Binding => "binding",
            Choice::Dispatch => "dispatch",
            Choice::Closed => "closed",
            Choice::SuppressGcTransition => "suppress-gc-transition",
        }
    }

    /// The words of the text form for the usual answer and for the other one; `None` if these are
    /// `false` and `true`.
    pub fn words(self) -> Option<[&'static str; 2]> {
        match self {
            Choice::Binding => Some(["lazy", "eager"]),
            Choice::Dispatch => Some(["import-thunk", "v-thunk"]),
            Choice::Closed | Choice::SuppressGcTransition => None,
        }
    }

    /// The kind of action that it is about.
    pub fn of(self) -> ActionKind {
        match self {
            Choice::Binding => ActionKind::Direct,
            Choice::Dispatch => ActionKind::Virtual,
            Choice::Closed => ActionKind::NewDelegate,
            Choice::SuppressGcTransition => ActionKind::PInvoke,
        }
    }
}

/// What is in a variable, as far as the way of calling it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableKind {
    /// A portable entry point.
    ManagedPointer,
    /// A table index.
    UnmanagedPointer,
    /// A delegate object.
    Delegate,
}

/// What an action is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The method that it names.
    Method(MethodId),
    /// What a variable of this kind holds, with the signature that the action states.
    Variable(VariableKind, &'a Signature),
}

/// What an action stores in a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// A pointer to the method that the action names.
    Pointer,
    /// A pointer to the receiver's override, which takes a boxed receiver.
    PointerOfReceiver,
    Delegate {
        /// Whether it is bound to its first argument.
        closed: bool,
    },
}

/// What the object is for, at a call that passes one or a take that looks at one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// A take looks at none; a call passes one to an instance method and looks at it no further.
    Passed,
    /// It decides what runs, if the method is virtual. A boxed value is unboxed on the way.
    Dispatched(MethodId),
}

/// An action, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// What is done.
    pub kind: ActionKind,
    pub subject: Subject<'a>,
    /// Whether the kind's [`Choice`] is the other one than usual.
    pub chosen: bool,
    /// What is stored in a variable. Nothing is called then.
    pub gives: Option<Given>,
    /// What the object is for.
    pub receiver: Receiver,
}

impl Parts<'_> {
    /// What is stored says what was found by an object, which a take must have.
    pub fn takes_from_object(&self) -> bool {
        match self.gives {
            None | Some(Given::Pointer | Given::Delegate { closed: false }) => false,
            Some(Given::PointerOfReceiver | Given::Delegate { closed: true }) => true,
        }
    }
}

impl Action {
    /// The runtime runs a method for this reason.
    fn runtime(path: RuntimePath, callee: MethodId) -> Action {
        Action::Runtime { path, callee }
    }

    /// The action, taken apart.
    pub fn parts(&self) -> Parts<'_> {
        let call = |kind, method| Parts {
            kind,
            subject: Subject::Method(method),
            chosen: false,
            gives: None,
            receiver: Receiver::Passed,
        };
        let through = |kind, variable, signature| Parts {
            kind,
            subject: Subject::Variable(variable, signature),
            chosen: false,
            gives: None,
            receiver: Receiver::Passed,
        };
        match *self {
            Action::Direct { callee, binding } => {
                Parts { chosen: binding == Binding::Eager, ..call(ActionKind::Direct, callee) }
            }
            Action::Virtual { method, dispatch } => Parts {
                chosen: dispatch == Dispatch::VirtualThunk,
                receiver: Receiver::Dispatched(method),
                ..call(ActionKind::Virtual, method)
            },
            Action::ManagedCalli(ref signature) => {
                through(ActionKind::ManagedCalli, VariableKind::ManagedPointer, signature)
            }
            Action::UnmanagedCalli(ref signature) => {
                through(ActionKind::UnmanagedCalli, VariableKind::UnmanagedPointer, signature)
            }
            Action::Invoke(ref signature) => {
                through(ActionKind::Invoke, VariableKind::Delegate, signature)
            }
            Action::PInvoke { callee, suppress_gc_transition } => {
                Parts { chosen: suppress_gc_transition, ..call(ActionKind::PInvoke, callee) }
            }
            Action::Ldftn(method) => {
                Parts { gives: Some(Given::Pointer), ..call(ActionKind::Ldftn, method) }
            }
            Action::Ldvirtftn(method) => Parts {
                gives: Some(Given::PointerOfReceiver),
                receiver: Receiver::Dispatched(method),
                ..call(ActionKind::Ldvirtftn, method)
            },
            Action::NewDelegate { method, closed } => Parts {
                chosen: closed,
                gives: Some(Given::Delegate { closed }),
                receiver: match closed {
                    true => Receiver::Dispatched(method),
                    false => Receiver::Passed,
                },
                ..call(ActionKind::NewDelegate, method)
            },
            Action::Runtime { path, callee } => Parts {
                receiver: match path {
                    RuntimePath::Reflection | RuntimePath::Finalizer => {
                        Receiver::Dispatched(callee)
                    }
                    RuntimePath::ClassConstructor
                    | RuntimePath::DefaultConstructor
                    | RuntimePath::EntryPoint
                    | RuntimePath::Export
                    | RuntimePath::Resume => Receiver::Passed,
                },
                ..call(path.kind(), callee)
            },
        }
    }

    /// What the action is done to, to be changed.
    pub fn subject_mut(&mut self) -> SubjectMut<'_> {
        match self {
            Action::Direct { callee: method, binding: _ }
            | Action::Virtual { method, dispatch: _ }
            | Action::PInvoke { callee: method, suppress_gc_transition: _ }
            | Action::Ldftn(method)
            | Action::Ldvirtftn(method)
            | Action::NewDelegate { method, closed: _ }
            | Action::Runtime { path: _, callee: method } => SubjectMut::Method(method),
            Action::ManagedCalli(signature)
            | Action::UnmanagedCalli(signature)
            | Action::Invoke(signature) => SubjectMut::Signature(signature),
        }
    }

    /// What it is, without what it is done to.
    pub fn kind(&self) -> ActionKind {
        self.parts().kind
    }

    /// It gives a pointer or a delegate, and calls nothing.
    pub fn takes(&self) -> bool {
        self.parts().gives.is_some()
    }

    /// The method that it names.
    pub fn named(&self) -> Option<MethodId> {
        match self.parts().subject {
            Subject::Method(method) => Some(method),
            Subject::Variable(..) => None,
        }
    }

    /// The same, to be changed.
    pub fn named_mut(&mut self) -> Option<&mut MethodId> {
        match self.subject_mut() {
            SubjectMut::Method(method) => Some(method),
            SubjectMut::Signature(_) => None,
        }
    }

    /// The signature that it states.
    pub fn stated(&self) -> Option<&Signature> {
        match self.parts().subject {
            Subject::Method(_) => None,
            Subject::Variable(_, signature) => Some(signature),
        }
    }

    /// The same, to be changed.
    pub fn stated_mut(&mut self) -> Option<&mut Signature> {
        match self.subject_mut() {
            SubjectMut::Method(_) => None,
            SubjectMut::Signature(signature) => Some(signature),
        }
    }

    /// The signature whose parameters a call gives; `None` for an action that takes, or that names
    /// a method that does not exist.
    pub fn signature<'a>(&'a self, layout: &'a Layout) -> Option<&'a Signature> {
        let parts = self.parts();
        match parts.subject {
            Subject::Variable(_, signature) => Some(signature),
            Subject::Method(_) if parts.gives.is_some() => None,
            Subject::Method(method) => Some(&layout.methods.get(method)?.signature),
        }
    }
}

/// What an action is done to, to be changed.
#[derive(Debug)]
pub enum SubjectMut<'a> {
    /// The method that it names.
    Method(&'a mut MethodId),
    /// The signature that it states.
    Signature(&'a mut Signature),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn made(kind: ActionKind, chosen: bool) -> Action {
        match kind.make() {
            Make::OfMethod(make) => make(MethodId(3), chosen),
            Make::OfSignature(make) => make(Signature::default()),
        }
    }

    #[test]
    fn an_action_is_made_from_its_parts() {
        for kind in ActionKind::ALL {
            let parts = |chosen| {
                let action = made(kind, chosen);
                (action.parts().kind, action.parts().chosen, action.named())
            };
            let named = made(kind, false).stated().is_none().then_some(MethodId(3));
            assert_eq!(parts(false), (kind, false, named));
            assert_eq!(parts(true), (kind, kind.choice().is_some(), named));
        }
    }

    #[test]
    fn kinds_are_in_order_and_have_words_of_their_own() {
        let words: BTreeSet<_> = ActionKind::ALL.iter().map(|kind| kind.word()).collect();
        assert_eq!(words.len(), ActionKind::ALL.len());
        for (i, kind) in ActionKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, i);
            assert_eq!(kind.runtime_path().map_or(kind, RuntimePath::kind), kind);
            assert!(kind.choice().is_none_or(|choice| choice.of() == kind));
            assert!(!kind.callers().is_empty());
        }
        for (i, path) in RuntimePath::ALL.into_iter().enumerate() {
            assert_eq!((path as usize, path.kind().runtime_path()), (i, Some(path)));
        }
    }

    #[test]
    fn what_takes_says_what_it_takes_from() {
        let from_object = |kind, chosen| made(kind, chosen).parts().takes_from_object();
        assert!(!from_object(ActionKind::Ldftn, false));
        assert!(from_object(ActionKind::Ldvirtftn, false));
        assert!(!from_object(ActionKind::NewDelegate, false));
        assert!(from_object(ActionKind::NewDelegate, true));
        for kind in ActionKind::ALL.into_iter().filter(|&kind| !made(kind, false).takes()) {
            assert!(!from_object(kind, true));
        }
    }
}
