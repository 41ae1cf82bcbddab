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
    }
}

axis! {
    /// What is done to the callee.
    Deed {
        /// Its prestub runs.
        Prepare = "prepare",
        /// Its entry point is made callable from R2R code.
        Touch = "touch",
        /// Its address is taken.
        Take = "take",
        /// It is called through a lazy cell, or by name in interpreted code.
        Direct = "direct",
        /// It is called through an eager cell.
        DirectEager = "direct-eager",
        /// It is called through a managed pointer.
        ManagedCalli = "managed-calli",
        /// It is called through an unmanaged pointer.
        UnmanagedCalli = "unmanaged-calli",
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
        /// It holds the R2R body.
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

    /// Whether the right loader can get there: what "covered of how many" counts.
    /// A fault may lead to other cells.
    pub fn is_possible(self) -> bool {
        self.path_is_possible() && self.callee_is_possible() && self.state_is_possible()
    }

    /// The combinations that scenarios can express.
    fn path_is_possible(self) -> bool {
        let vm_deed = matches!(self.deed, Deed::Prepare | Deed::Touch);
        match self.by {
            By::Vm => vm_deed,
            By::ReadyToRun => !vm_deed,
            By::Interpreter => !vm_deed && self.deed != Deed::DirectEager,
            By::Native => self.deed == Deed::UnmanagedCalli,
        }
    }

    fn callee_is_possible(self) -> bool {
        let managed = self.entered == Entered::Managed;
        let convention = match self.deed {
            Deed::Prepare | Deed::Touch | Deed::Take => true,
            Deed::Direct | Deed::DirectEager | Deed::ManagedCalli => managed,
            Deed::UnmanagedCalli => !managed,
        };
        let receiver = matches!(self.shape, Shape::Instance | Shape::InstanceBuffer);
        let enterable = self.entered != Entered::Unmanaged || self.has != Has::ByteCode;
        convention && enterable && (managed || !receiver)
    }

    fn state_is_possible(self) -> bool {
        self.state_fits_callee() && self.state_fits_order() && self.state_fits_deed()
    }

    fn state_fits_callee(self) -> bool {
        let managed = self.entered == Entered::Managed;
        let (body, byte_code) = (self.has != Has::ByteCode, self.has != Has::ReadyToRun);
        match self.state {
            State::Cold | State::Thunk => true,
            // The image that has a managed body has the thunk for its signature as well.
            State::Waiting => !managed || !body,
            State::Prepared | State::PreparedThunk => byte_code && !body,
            State::Body => body && !byte_code && managed,
            State::BodyAndByteCode => body && byte_code && managed,
            State::Published | State::PublishedBehindThunk => !managed,
        }
    }

    fn state_fits_order(self) -> bool {
        let managed = self.entered == Entered::Managed;
        let prepared = match self.state {
            State::Cold | State::Waiting | State::Thunk => false,
            // A prestub publishes the unmanaged entry of a body, before any thunk comes.
            State::PublishedBehindThunk => self.has == Has::ByteCode,
            _ => true,
        };
        match self.first {
            First::Nothing => self.state == State::Cold,
            First::Prepared => prepared,
            // A UCO method's pointer is taken before its first call, and is published by that.
            First::Called => managed && prepared,
            First::Taken if !managed => self.state == State::Published,
            First::Taken | First::Touched => self.state != State::Cold,
        }
    }

    /// What a pointer leads to was made callable when the pointer was taken, and a compiled
    /// caller's image has the thunk that its calls may need.
    fn state_fits_deed(self) -> bool {
        let compiled = self.by == By::ReadyToRun;
        let thunk_is_here = match self.state {
            State::Waiting => false,
            State::Prepared => matches!(self.first, First::Called | First::Prepared),
            _ => true,
        };
        match self.deed {
            Deed::UnmanagedCalli => {
                matches!(self.state, State::Published | State::PublishedBehindThunk)
            }
            Deed::ManagedCalli if compiled => {
                thunk_is_here && !matches!(self.state, State::Cold | State::Prepared)
            }
            Deed::ManagedCalli => self.state != State::Cold,
            Deed::Direct | Deed::DirectEager if compiled => thunk_is_here,
            Deed::Take if compiled && self.entered == Entered::Managed => thunk_is_here,
            _ => true,
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
