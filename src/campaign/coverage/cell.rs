//! Cells: every way of reaching a method, numbered.

use std::fmt;

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

axis! {
    /// Whose code does it.
    By {
        /// The VM's own.
        Vm = "vm",
        /// Compiled code.
        ReadyToRun = "r2r",
        /// Interpreted code.
        Interpreter = "interpreter",
        /// C code.
        Native = "native",
        /// The runtime, for a reason of its own.
        Runtime = "runtime",
    }
}

axis! {
    /// What is done to the callee.
    Deed {
        /// Its prestub runs.
        Prepare = "prepare",
        /// Its entry point is made callable from R2R code.
        Touch = "touch",
        /// Its entry point is reset.
        Reset = "reset",
        /// It is given another's MethodDesc and entry point.
        Recycle = "recycle",
        /// Its address is taken.
        Take = "take",
        /// Its address is taken through a receiver.
        TakeVirtual = "take-virtual",
        /// An open delegate is made.
        OpenDelegate = "open-delegate",
        /// A closed delegate is made.
        ClosedDelegate = "closed-delegate",
        /// It is called through a lazy cell, or by name in interpreted code.
        Direct = "direct",
        /// It is called through an eager cell.
        DirectEager = "direct-eager",
        /// It is called through a receiver's slot, by way of the import thunk.
        Virtual = "virtual",
        /// It is called through a receiver's slot, by a thunk of the image.
        VirtualThunk = "virtual-thunk",
        /// It is called through a managed pointer.
        ManagedCalli = "managed-calli",
        /// It is called through an unmanaged pointer.
        UnmanagedCalli = "unmanaged-calli",
        /// It is called through a delegate.
        Invoke = "invoke",
        /// It is a P/Invoke, inlined.
        PInvoke = "p-invoke",
        /// It is a P/Invoke, inlined, without a transition frame.
        PInvokeSuppressed = "p-invoke-suppressed",
        /// `MethodBase.Invoke`.
        Reflection = "reflection",
        /// A class constructor runs.
        ClassConstructor = "class-constructor",
        /// A default constructor runs.
        DefaultConstructor = "default-constructor",
        /// The program starts.
        EntryPoint = "entry-point",
        /// A finalizer runs.
        Finalizer = "finalizer",
        /// C code calls its exported wrapper.
        Export = "export",
        /// It is resumed.
        Resume = "resume",
    }
}

axis! {
    /// How the callee is entered.
    Entered {
        /// Managed.
        Managed = "managed",
        /// `[UnmanagedCallersOnly]` without a reverse thunk.
        Unmanaged = "uco",
        /// `[UnmanagedCallersOnly]` with one.
        ReverseThunk = "uco-with-reverse-thunk",
        /// A P/Invoke.
        PInvoke = "p-invoke-target",
        /// A string constructor.
        StringConstructor = "string-constructor",
        /// A dynamic method.
        Dynamic = "dynamic",
    }
}

axis! {
    /// Which code the callee has.
    Has {
        /// A body in the image.
        ReadyToRun = "r2r",
        /// Byte code.
        ByteCode = "byte-code",
        /// Both.
        Both = "both",
        /// Byte code, and a body that is rejected.
        Rejected = "rejected",
        /// C++ code of the runtime.
        Native = "native",
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
        /// A receiver.
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
    /// Who.
    pub by: By,
    /// Does what.
    pub deed: Deed,
    /// To a callee that is entered how.
    pub entered: Entered,
    /// And has which code.
    pub has: Has,
    /// In which state.
    pub state: State,
    /// With which signature.
    pub shape: Shape,
    /// After what.
    pub first: First,
}

impl Cell {
    /// Numbers of cells are below this.
    pub const COUNT: usize = By::ALL.len()
        * Deed::ALL.len()
        * Entered::ALL.len()
        * Has::ALL.len()
        * State::ALL.len()
        * Shape::ALL.len()
        * First::ALL.len();

    /// The cell's number.
    pub fn number(self) -> usize {
        let Cell { by, deed, entered, has, state, shape, first } = self;
        let mut number = by as usize;
        for (value, count) in [
            (deed as usize, Deed::ALL.len()),
            (entered as usize, Entered::ALL.len()),
            (has as usize, Has::ALL.len()),
            (state as usize, State::ALL.len()),
            (shape as usize, Shape::ALL.len()),
            (first as usize, First::ALL.len()),
        ] {
            number = number * count + value;
        }
        number
    }

    /// The cell with this number, which must be below [`Cell::COUNT`].
    pub fn numbered(mut number: usize) -> Cell {
        let mut digit = |count: usize| {
            let value = number % count;
            number /= count;
            value
        };
        let first = First::ALL[digit(First::ALL.len())];
        let shape = Shape::ALL[digit(Shape::ALL.len())];
        let state = State::ALL[digit(State::ALL.len())];
        let has = Has::ALL[digit(Has::ALL.len())];
        let entered = Entered::ALL[digit(Entered::ALL.len())];
        let deed = Deed::ALL[digit(Deed::ALL.len())];
        let by = By::ALL[digit(By::ALL.len())];
        Cell { by, deed, entered, has, state, shape, first }
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
        let by = match self.deed {
            Deed::Prepare | Deed::Touch | Deed::Reset | Deed::Recycle => By::Vm,
            Deed::Reflection
            | Deed::ClassConstructor
            | Deed::DefaultConstructor
            | Deed::EntryPoint
            | Deed::Finalizer
            | Deed::Export
            | Deed::Resume => By::Runtime,
            // Interpreted code tells no cells apart.
            Deed::DirectEager | Deed::VirtualThunk | Deed::PInvokeSuppressed => By::ReadyToRun,
            Deed::UnmanagedCalli => return !matches!(self.by, By::Vm | By::Runtime),
            _ => return matches!(self.by, By::ReadyToRun | By::Interpreter),
        };
        self.by == by
    }

    fn is_uco(self) -> bool {
        matches!(self.entered, Entered::Unmanaged | Entered::ReverseThunk)
    }

    fn has_receiver(self) -> bool {
        matches!(self.shape, Shape::Instance | Shape::InstanceBuffer)
    }

    /// Who can be treated so, and has which code.
    fn callee_is_possible(self) -> bool {
        let entered = match self.deed {
            Deed::Prepare | Deed::Touch => true,
            // `newobj` is the only way to a string constructor.
            Deed::Take => self.entered != Entered::StringConstructor,
            Deed::ManagedCalli => !self.is_uco() && self.entered != Entered::StringConstructor,
            Deed::Reset => matches!(self.entered, Entered::Managed | Entered::StringConstructor),
            Deed::Recycle => self.entered == Entered::Dynamic,
            Deed::Direct | Deed::DirectEager => !self.is_uco(),
            Deed::Virtual | Deed::VirtualThunk | Deed::TakeVirtual => {
                self.entered == Entered::Managed && self.has != Has::Native
            }
            Deed::UnmanagedCalli => self.is_uco(),
            Deed::Export => self.entered == Entered::ReverseThunk,
            Deed::PInvoke | Deed::PInvokeSuppressed => self.entered == Entered::PInvoke,
            _ => self.entered == Entered::Managed,
        };
        let code = match self.entered {
            Entered::Unmanaged => matches!(self.has, Has::ReadyToRun | Has::Both),
            Entered::ReverseThunk | Entered::StringConstructor => self.has != Has::Native,
            Entered::PInvoke => self.has == Has::Native,
            Entered::Dynamic => self.has == Has::ByteCode,
            Entered::Managed => true,
        };
        // No image names a dynamic method; a pointer to one may come to compiled code.
        let by_image = self.by == By::ReadyToRun
            && matches!(self.deed, Deed::Take | Deed::Direct | Deed::DirectEager);
        entered && code && !(by_image && self.entered == Entered::Dynamic)
    }

    fn signature_is_possible(self) -> bool {
        let of_callee = match self.entered {
            Entered::Managed => self.has != Has::Native || self.shape < Shape::Context,
            // It returns a string.
            Entered::StringConstructor => self.shape < Shape::Buffer,
            _ => self.shape < Shape::Instance,
        };
        let of_path = match self.deed {
            Deed::Virtual | Deed::VirtualThunk | Deed::TakeVirtual => self.has_receiver(),
            Deed::DefaultConstructor | Deed::Finalizer => self.shape == Shape::Instance,
            Deed::ClassConstructor | Deed::EntryPoint => self.shape == Shape::Words,
            Deed::Resume => self.shape == Shape::Continuation,
            Deed::OpenDelegate | Deed::ClosedDelegate | Deed::Invoke | Deed::Reflection => {
                self.shape != Shape::Continuation
            }
            _ => true,
        };
        of_callee && of_path
    }

    /// Which states the callee's entry point may be in, and which the path may find it in.
    fn state_is_possible(self) -> bool {
        let has_body = matches!(self.entered, Entered::Managed | Entered::StringConstructor);
        let of_callee = match self.state {
            State::Cold | State::Thunk => true,
            // An image that compiles a managed method brings its thunk as well.
            State::Waiting => self.has == Has::ByteCode || !has_body,
            // Without ReadyToRun, a method that has a body has byte code nevertheless.
            State::Prepared => self.entered != Entered::Unmanaged && self.has != Has::Native,
            State::PreparedThunk => matches!(self.has, Has::ByteCode | Has::Rejected),
            State::Body => has_body && matches!(self.has, Has::ReadyToRun | Has::Native),
            State::BodyAndByteCode => has_body && self.has == Has::Both,
            State::Published | State::PublishedBehindThunk => self.is_uco(),
        };
        let of_path = match self.deed {
            // Taking the pointer published it.
            Deed::UnmanagedCalli => {
                matches!(self.state, State::Published | State::PublishedBehindThunk)
            }
            Deed::Export => true,
            // An image has the thunks that its own eager calls and the runtime's calls want.
            Deed::DirectEager | Deed::VirtualThunk => self.state != State::Waiting,
            _ => self.by != By::Runtime || self.state != State::Waiting,
        };
        of_callee && of_path
    }

    /// What may have come first.
    fn order_is_possible(self) -> bool {
        match self.first {
            First::Nothing => {
                // A receiver's slots become callable without a deed to their methods.
                let by_receiver = self.state == State::Thunk
                    && self.entered == Entered::Managed
                    && self.has != Has::Native
                    && self.has_receiver();
                self.deed != Deed::ManagedCalli && (self.state == State::Cold || by_receiver)
            }
            _ if self.deed == Deed::Recycle => false,
            First::Taken if self.is_uco() => self.state == State::Published,
            First::Taken => self.entered != Entered::StringConstructor,
            First::Prepared if self.entered == Entered::Unmanaged => self.state == State::Published,
            First::Prepared if self.is_uco() => {
                !matches!(self.state, State::Cold | State::Waiting | State::Thunk)
            }
            // Only its pointer is ever called.
            First::Called => self.entered != Entered::Unmanaged,
            First::Prepared | First::Touched => true,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cell { by, deed, entered, has, state, shape, first } = self;
        let (by, deed, entered, has) = (by.name(), deed.name(), entered.name(), has.name());
        let (state, shape, first) = (state.name(), shape.name(), first.name());
        write!(f, "{by} {deed}, {entered} {has} {shape}, {state}, {first}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_cells_correspond() {
        for number in 0..Cell::COUNT {
            assert_eq!(Cell::numbered(number).number(), number);
        }
    }
}
