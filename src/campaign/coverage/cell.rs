//! Cells: every way of reaching a method, numbered.

#![deny(clippy::wildcard_enum_match_arm)]

use std::fmt;

use crate::scenario::action::{ActionKind, Choice};
use crate::scenario::{
    CallerKind, Code, Convention, EntryKind, EventKind, Form, Method, Signature, Slot, StructId,
    Type, rules,
};

macro_rules! axis {
    ($(#[$doc:meta])* $name:ident { $($(#[$row_doc:meta])* $row:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$row_doc])* $row),+
        }

        impl $name {
            /// Every value, in the order that numbers them.
            pub const ALL: &[$name] = &[$($name::$row),+];

            /// A short name.
            pub fn name(self) -> &'static str {
                match self {
                    $($name::$row => $text),+
                }
            }
        }
    };
}

/// Whose code does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellCaller {
    /// The VM's own, in an event that is about a method.
    Vm,
    /// The code that holds the site.
    Site(CallerKind),
    /// The runtime, for a reason of its own.
    Runtime,
}

impl CellCaller {
    /// Every value, in the order that numbers them.
    pub const ALL: &[CellCaller] = &[
        CellCaller::Vm,
        CellCaller::Site(CallerKind::ReadyToRun),
        CellCaller::Site(CallerKind::Interpreter),
        CellCaller::Site(CallerKind::Native),
        CellCaller::Runtime,
    ];

    fn number(self) -> usize {
        match self {
            CellCaller::Vm => 0,
            CellCaller::Site(kind) => 1 + kind as usize,
            CellCaller::Runtime => 1 + CallerKind::ALL.len(),
        }
    }

    /// A short name.
    pub fn name(self) -> &'static str {
        match self {
            CellCaller::Vm => "vm",
            CellCaller::Site(kind) => kind.word(),
            CellCaller::Runtime => "runtime",
        }
    }
}

/// What is done to the callee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellAction {
    /// What an event of the VM's own is: one of [`EVENTS`].
    Event(EventKind),
    /// What a site does.
    Site {
        kind: ActionKind,
        /// Whether the action's choice, if it has one, is the other one than usual.
        chosen: bool,
    },
}

/// The events that are about one method's entry point.
const EVENTS: [EventKind; 4] =
    [EventKind::Prepare, EventKind::Touch, EventKind::Reset, EventKind::Recycle];

impl CellAction {
    /// How many there are.
    pub const COUNT: usize = EVENTS.len() + ActionKind::ALL.len() + Choice::ALL.len();

    /// Every value, in the order that numbers them: events, what sites do in the usual way, and
    /// what they do otherwise.
    fn all() -> impl Iterator<Item = CellAction> {
        let usual = ActionKind::ALL.map(|kind| CellAction::Site { kind, chosen: false });
        let other = Choice::ALL.map(|choice| CellAction::Site { kind: choice.of(), chosen: true });
        EVENTS.map(CellAction::Event).into_iter().chain(usual).chain(other)
    }

    fn number(self) -> usize {
        let sites = EVENTS.len();
        match self {
            CellAction::Event(kind) => EVENTS.iter().position(|&known| known == kind).unwrap_or(0),
            CellAction::Site { kind, chosen } => match kind.choice().filter(|_| chosen) {
                None => sites + kind as usize,
                Some(choice) => sites + ActionKind::ALL.len() + choice as usize,
            },
        }
    }

    /// What it makes of a callee that nothing was done to before.
    pub(super) fn comes_first(self) -> First {
        match self {
            CellAction::Event(EventKind::Prepare) => First::Prepared,
            CellAction::Event(_) => First::Touched,
            CellAction::Site { kind, .. } if kind.takes() => First::Taken,
            CellAction::Site { .. } => First::Called,
        }
    }
}

impl fmt::Display for CellAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CellAction::Event(kind) => f.write_str(kind.word()),
            CellAction::Site { kind, chosen } => {
                f.write_str(kind.name())?;
                match kind.choice().filter(|_| *chosen) {
                    None => Ok(()),
                    Some(choice) => match choice.words() {
                        Some([_, other]) => write!(f, " {other}"),
                        None => write!(f, " {}", choice.key()),
                    },
                }
            }
        }
    }
}

axis! {
    /// The callee's entry point, just before.
    State {
        /// Nothing has been written to it.
        Cold = "cold",
        /// It waits for a thunk that no image has brought yet.
        Waiting = "waiting",
        /// It holds the R2R-to-interpreter thunk.
        Thunk = "thunk",
        /// It has byte code, and no code that R2R code could call.
        Prepared = "prepared",
        /// It has byte code and the thunk to it.
        PreparedThunk = "prepared-thunk",
        /// It holds the R2R body, or the runtime's own function.
        Body = "body",
        /// It holds the R2R body and has byte code.
        BodyAndByteCode = "body-and-byte-code",
        /// The own unmanaged entry is published.
        Published = "published",
        /// The own unmanaged entry is published, and the entry point holds the managed thunk.
        PublishedBehindThunk = "published-behind-thunk",
    }
}

axis! {
    /// What stands out in the signature, in ascending order of precedence.
    Shape {
        /// Nothing: all is `i32`.
        Words = "words",
        /// A parameter of another wasm type, or of two.
        Scalars = "scalars",
        /// A parameter by reference.
        Struct = "struct",
        /// A return buffer.
        Buffer = "buffer",
        Instance = "instance",
        /// A receiver and a return buffer.
        InstanceBuffer = "instance-buffer",
        /// A hidden context argument.
        Context = "context",
        /// A hidden continuation argument.
        Continuation = "continuation",
    }
}

axis! {
    /// What had happened to the callee first.
    First {
        /// Nothing yet.
        Nothing = "untouched",
        /// It was prepared.
        Prepared = "prepared-first",
        /// It was touched.
        Touched = "touched-first",
        /// Its address was taken.
        Taken = "taken-first",
        /// It was called.
        Called = "called-first",
    }
}

/// One way of reaching a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    pub by: CellCaller,
    pub action: CellAction,
    /// To a callee that is entered how.
    pub entry: EntryKind,
    /// And has which code.
    pub code: Code,
    /// In which state.
    pub state: State,
    /// With which signature.
    pub shape: Shape,
    pub first: First,
}

impl Cell {
    /// Numbers of cells are below this.
    pub const COUNT: usize = CellCaller::ALL.len()
        * CellAction::COUNT
        * EntryKind::ALL.len()
        * Code::ALL.len()
        * State::ALL.len()
        * Shape::ALL.len()
        * First::ALL.len();

    /// The cell's number.
    pub fn number(self) -> usize {
        let Cell { by, action, entry, code, state, shape, first } = self;
        let mut number = by.number();
        for (value, count) in [
            (action.number(), CellAction::COUNT),
            (entry as usize, EntryKind::ALL.len()),
            (code as usize, Code::ALL.len()),
            (state as usize, State::ALL.len()),
            (shape as usize, Shape::ALL.len()),
            (first as usize, First::ALL.len()),
        ] {
            number = number * count + value;
        }
        number
    }

    /// Every cell, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Cell> {
        let callees =
            || EntryKind::ALL.into_iter().flat_map(|entry| Code::ALL.map(|code| (entry, code)));
        let states = || {
            let states = State::ALL.iter().copied();
            let shapes = states.flat_map(|state| Shape::ALL.iter().map(move |&s| (state, s)));
            shapes.flat_map(|(state, s)| First::ALL.iter().map(move |&f| (state, s, f)))
        };
        let paths = CellCaller::ALL
            .iter()
            .flat_map(|&by| CellAction::all().map(move |action| (by, action)));
        paths.flat_map(move |(by, action)| {
            callees().flat_map(move |(entry, code)| {
                states().map(move |(state, shape, first)| Cell {
                    by,
                    action,
                    entry,
                    code,
                    state,
                    shape,
                    first,
                })
            })
        })
    }

    /// Whether a scenario may come to it under a right loader: what "covered of how many" counts.
    /// Some of these are not reachable still; every one that is reached is among them.
    pub fn is_possible(self) -> bool {
        self.path_is_possible()
            && self.callee_is_possible()
            && self.signature_is_possible()
            && self.state_is_possible()
            && self.order_is_possible()
    }

    /// Whose code does what.
    fn path_is_possible(self) -> bool {
        match (self.by, self.action) {
            (CellCaller::Vm, CellAction::Event(_)) => true,
            (CellCaller::Runtime, CellAction::Site { kind, .. }) => kind.runtime_path().is_some(),
            (CellCaller::Site(caller), CellAction::Site { kind, chosen }) => {
                // Interpreted code tells no cells apart, and dispatches as it does.
                let differs = caller == CallerKind::ReadyToRun
                    || !chosen
                    || kind.choice() == Some(Choice::Closed);
                kind.runtime_path().is_none() && kind.callers().contains(&caller) && differs
            }
            (CellCaller::Vm, CellAction::Site { .. })
            | (CellCaller::Runtime | CellCaller::Site(_), CellAction::Event(_)) => false,
        }
    }

    fn is_uco(self) -> bool {
        matches!(self.entry, EntryKind::Unmanaged | EntryKind::ReverseThunk)
    }

    fn has_receiver(self) -> bool {
        matches!(self.shape, Shape::Instance | Shape::InstanceBuffer)
    }

    /// Who can be treated so, and has which code.
    fn callee_is_possible(self) -> bool {
        let managed = self.entry == EntryKind::Managed;
        let entry = match self.action {
            CellAction::Event(EventKind::Reset) => {
                managed || self.entry == EntryKind::StringConstructor
            }
            CellAction::Event(EventKind::Recycle) => self.entry == EntryKind::Dynamic,
            CellAction::Event(_) => true,
            CellAction::Site { kind, .. } => match kind {
                // `newobj` is the only way to a string constructor.
                ActionKind::Ldftn => self.entry != EntryKind::StringConstructor,
                ActionKind::ManagedCalli => {
                    !self.is_uco() && self.entry != EntryKind::StringConstructor
                }
                ActionKind::Direct => !self.is_uco(),
                ActionKind::Virtual | ActionKind::Ldvirtftn => managed && self.code != Code::Native,
                ActionKind::UnmanagedCalli => self.is_uco(),
                ActionKind::PInvoke => self.entry == EntryKind::PInvoke,
                ActionKind::NewDelegate | ActionKind::Invoke => managed,
                ActionKind::Reflection
                | ActionKind::ClassConstructor
                | ActionKind::DefaultConstructor
                | ActionKind::EntryPoint
                | ActionKind::Finalizer
                | ActionKind::Export
                | ActionKind::Resume => self.runtime_has_a_callee(kind),
            },
        };
        let code = match self.entry {
            EntryKind::Unmanaged => matches!(self.code, Code::ReadyToRun | Code::Both),
            EntryKind::ReverseThunk | EntryKind::StringConstructor => self.code != Code::Native,
            EntryKind::PInvoke => self.code == Code::Native,
            EntryKind::Dynamic => self.code == Code::Interpreted,
            EntryKind::Managed => true,
        };
        // No image names a dynamic method; a pointer to one may come to compiled code.
        let by_image = self.by == CellCaller::Site(CallerKind::ReadyToRun)
            && matches!(
                self.action,
                CellAction::Site { kind: ActionKind::Ldftn | ActionKind::Direct, .. }
            );
        entry && code && !(by_image && self.entry == EntryKind::Dynamic)
    }

    /// There is such a callee that the runtime can run.
    fn runtime_has_a_callee(self, kind: ActionKind) -> bool {
        let Some(path) = kind.runtime_path() else { return false };
        let runs = |slot| rules::runtime(path, &Method { slot, ..self.callee() }).is_ok();
        // Only an instance method has a slot.
        runs(Slot::None) || self.has_receiver() && runs(Slot::Virtual)
    }

    /// The simplest method that is a callee of this cell, but for what it overrides.
    fn callee(self) -> Method {
        let (convention, form, reverse_thunk) = match self.entry {
            EntryKind::Managed => (Convention::Managed, Form::Ordinary, false),
            EntryKind::StringConstructor => (Convention::Managed, Form::StringConstructor, false),
            EntryKind::Dynamic => (Convention::Managed, Form::Dynamic, false),
            EntryKind::Unmanaged => (Convention::UnmanagedCallersOnly, Form::Ordinary, false),
            EntryKind::ReverseThunk => (Convention::UnmanagedCallersOnly, Form::Ordinary, true),
            EntryKind::PInvoke => (Convention::PInvoke, Form::Ordinary, false),
        };
        let mut signature = Signature::default();
        match self.shape {
            Shape::Words => {}
            Shape::Scalars => signature.params.push(Type::I64),
            Shape::Struct => signature.params.push(Type::Struct(StructId(0))),
            Shape::Buffer => signature.ret = Some(Type::Int128),
            Shape::Instance => signature.instance = true,
            Shape::InstanceBuffer => {
                signature.instance = true;
                signature.ret = Some(Type::Int128);
            }
            Shape::Context => signature.context = true,
            Shape::Continuation => signature.continuation = true,
        }
        let code = self.code;
        Method { convention, form, reverse_thunk, code, signature, ..Method::default() }
    }

    fn signature_is_possible(self) -> bool {
        let of_callee = match self.entry {
            EntryKind::Managed => self.code != Code::Native || self.shape < Shape::Context,
            // It returns a string.
            EntryKind::StringConstructor => self.shape < Shape::Buffer,
            EntryKind::Unmanaged
            | EntryKind::ReverseThunk
            | EntryKind::PInvoke
            | EntryKind::Dynamic => self.shape < Shape::Instance,
        };
        let of_path = match self.action {
            CellAction::Event(_) => true,
            CellAction::Site { kind, .. } => match kind {
                ActionKind::Virtual | ActionKind::Ldvirtftn => self.has_receiver(),
                ActionKind::NewDelegate | ActionKind::Invoke => self.shape != Shape::Continuation,
                ActionKind::Ldftn
                | ActionKind::ManagedCalli
                | ActionKind::UnmanagedCalli
                | ActionKind::Direct
                | ActionKind::PInvoke
                // The callee that the runtime can run has the signature.
                | ActionKind::Reflection
                | ActionKind::ClassConstructor
                | ActionKind::DefaultConstructor
                | ActionKind::EntryPoint
                | ActionKind::Finalizer
                | ActionKind::Export
                | ActionKind::Resume => true,
            },
        };
        of_callee && of_path
    }

    /// Which states the callee's entry point may be in, and which the path may find it in.
    fn state_is_possible(self) -> bool {
        let has_body = matches!(self.entry, EntryKind::Managed | EntryKind::StringConstructor);
        let of_callee = match self.state {
            State::Cold | State::Thunk => true,
            // An image that compiles a managed method brings its thunk as well.
            State::Waiting => self.code == Code::Interpreted || !has_body,
            // Without ReadyToRun, a method that has a body has byte code nevertheless.
            State::Prepared => self.entry != EntryKind::Unmanaged && self.code != Code::Native,
            State::PreparedThunk => matches!(self.code, Code::Interpreted | Code::Rejected),
            State::Body => has_body && matches!(self.code, Code::ReadyToRun | Code::Native),
            State::BodyAndByteCode => has_body && self.code == Code::Both,
            State::Published | State::PublishedBehindThunk => self.is_uco(),
        };
        let waits = self.state == State::Waiting;
        let of_path = match self.action {
            // Taking the pointer published it.
            CellAction::Site { kind: ActionKind::UnmanagedCalli, .. } => {
                matches!(self.state, State::Published | State::PublishedBehindThunk)
            }
            CellAction::Site { kind: ActionKind::Export, .. } => true,
            // An image has the thunks that its own eager calls and the runtime's calls want.
            CellAction::Site { kind: ActionKind::Direct | ActionKind::Virtual, chosen: true } => {
                !waits
            }
            CellAction::Site { .. } | CellAction::Event(_) => {
                self.by != CellCaller::Runtime || !waits
            }
        };
        of_callee && of_path
    }

    /// What may have come first.
    fn order_is_possible(self) -> bool {
        match self.first {
            First::Nothing => {
                // A receiver's slots become callable without an action to their methods.
                let by_receiver = self.state == State::Thunk
                    && self.entry == EntryKind::Managed
                    && self.code != Code::Native
                    && self.has_receiver();
                let calls_pointer =
                    matches!(self.action, CellAction::Site { kind: ActionKind::ManagedCalli, .. });
                !calls_pointer && (self.state == State::Cold || by_receiver)
            }
            _ if self.action == CellAction::Event(EventKind::Recycle) => false,
            First::Taken if self.is_uco() => self.state == State::Published,
            First::Taken => self.entry != EntryKind::StringConstructor,
            First::Prepared if self.entry == EntryKind::Unmanaged => self.state == State::Published,
            First::Prepared if self.is_uco() => {
                !matches!(self.state, State::Cold | State::Waiting | State::Thunk)
            }
            // Only its pointer is ever called.
            First::Called => self.entry != EntryKind::Unmanaged,
            First::Prepared | First::Touched => true,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cell { by, action, entry, code, state, shape, first } = self;
        let (by, entry, code) = (by.name(), entry.word(), code.word());
        let (state, shape, first) = (state.name(), shape.name(), first.name());
        write!(f, "{by} {action}, {entry} {code} {shape}, {state}, {first}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_leave_as_many_cells_as_ever() {
        assert_eq!(Cell::all().filter(|cell| cell.is_possible()).count(), 15_999);
    }

    #[test]
    fn numbers_and_cells_correspond() {
        assert_eq!(Cell::all().count(), Cell::COUNT);
        for (number, cell) in Cell::all().enumerate() {
            assert_eq!(cell.number(), number);
        }
    }
}
