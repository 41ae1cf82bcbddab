//! What a run showed: everything that the verdict compares.

use std::ops::Range;

use crate::engine::Trap;
use crate::image::pep::PepWords;
use crate::image::words::{Address, FunctionPointer, PepAddress, Rva, TableIndex};
use crate::scenario::{AssemblyId, ClassId, MethodId};

/// All that was observed of one run. Bytes lie in one buffer, to keep runs cheap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// One an executed event; the last one may have trapped.
    pub events: Vec<EventObservation>,
    /// Calls in the order in which they began, calls inside others included.
    pub calls: Vec<CallObservation>,
    /// Bodies that were entered, in order.
    pub entries: Vec<Entry>,
    /// Argument and result bytes.
    pub bytes: Vec<u8>,
    /// What ended the process early.
    pub trap: Option<Trap>,
    /// State at the end.
    pub finals: Finals,
}

/// One event, executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventObservation {
    /// Which of [`Observation::calls`].
    pub calls: Range<usize>,
    /// Which of [`Observation::entries`].
    pub entries: Range<usize>,
    /// For a take: what the variable holds now.
    pub pointer: Option<FunctionPointer>,
    /// `__stack_pointer` before and after.
    pub stack_pointer: (u32, u32),
    /// The first byte that was written and should not have been.
    pub stray_write: Option<StrayWrite>,
}

/// One call, as its caller saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallObservation {
    /// How many calls it is inside of.
    pub depth: usize,
    /// For a call through a variable: what it held.
    pub pointer: Option<FunctionPointer>,
    /// The result bytes, in [`Observation::bytes`]; `None` if it did not return.
    pub result: Option<Range<usize>>,
    /// `__stack_pointer` before and after.
    pub stack_pointer: (u32, u32),
}

/// A byte that nothing may write to was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrayWrite {
    pub address: u32,
    /// What lies there.
    pub place: Place,
    /// What it should hold.
    pub expected: u8,
    /// What it holds.
    pub found: u8,
}

/// What lies at an address that was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Guard bytes between the regions that calls use.
    Guard,
    /// Behind the result of a call.
    BehindResult,
    /// The fields of an object.
    Object(ClassId),
    /// The caller's arguments.
    CallerArguments,
    /// Behind a portable entry point.
    BehindEntryPoint(MethodId),
    /// The null page or static data.
    StaticData,
}

/// A body was entered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Which of [`Observation::calls`] was the innermost one that was going on.
    pub call: Option<usize>,
    pub method: MethodId,
    /// Which of its bodies.
    pub body: Body,
    /// The shadow stack pointer it was given.
    pub stack_pointer: u32,
    /// The return buffer it was given, 0 if none.
    pub return_buffer: Address,
    /// `this`, hidden arguments and the parameters, in [`Observation::bytes`].
    pub arguments: Range<usize>,
}

/// Which body of a method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Body {
    /// C++ code: an FCall, or the target of a P/Invoke.
    Native {
        /// The portable entry point it was given; 0 for a P/Invoke's target.
        entry_point: PepAddress,
    },
    /// The one in the R2R image.
    ReadyToRun {
        /// The portable entry point it was given; 0 for a UCO body.
        entry_point: PepAddress,
    },
    /// The interpreter's.
    #[default]
    Interpreter,
}

/// The loader's structures at the end of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finals {
    /// Every method of a loaded assembly: its entry point's words and its own unmanaged entry.
    pub methods: Vec<(MethodId, PepWords, TableIndex)>,
    /// Every stub's entry point, in the order of making.
    pub stubs: Vec<PepWords>,
    /// Every import cell of a loaded image: RVA and value.
    pub cells: Vec<(AssemblyId, Rva, u32)>,
    /// Table length.
    pub table_len: u32,
    /// `__stack_pointer`.
    pub stack_pointer: u32,
}

impl Observation {
    /// Empty, with room for a script of so many events.
    pub fn with_capacity(events: usize) -> Self {
        Self {
            events: Vec::with_capacity(events),
            calls: Vec::with_capacity(events),
            entries: Vec::with_capacity(events),
            bytes: Vec::with_capacity(32 * events),
            ..Self::default()
        }
    }

    /// The word that a call went through, of an event's calls the first if none is named; or what
    /// an event's take stored.
    pub fn pointer(&self, event: usize, call: Option<usize>) -> Option<FunctionPointer> {
        let event = self.events.get(event)?;
        let call = call.or_else(|| event.calls.clone().next());
        call.map_or(event.pointer, |call| self.calls.get(call)?.pointer)
    }
}

#[cfg(test)]
impl EventObservation {
    /// Of an event in which nothing is called or stored.
    pub(crate) fn quiet() -> Self {
        Self {
            calls: 0..0,
            entries: 0..0,
            pointer: None,
            stack_pointer: (0x100, 0x100),
            stray_write: None,
        }
    }
}
