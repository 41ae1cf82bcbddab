//! Which cells a run went through.

use super::cell::{Cell, CellAction, CellCaller, First, Shape, State};
use crate::abi::vm::returns_by_buffer;
use crate::index::IndexVec;
use crate::loader::Vm;
use crate::loader::callee::Callee;
use crate::loader::trace::{Prestub, Step, Writer};
use crate::reference::{Expectation, ExpectedCall, ExpectedEvent};
use crate::scenario::action::{Choice, Parts};
use crate::scenario::{
    CallerKind, Event, Layout, MethodId, Signature, Site, SiteId, StructShape, Type,
};

/// Reads cells off finished runs. Keeps its buffers from run to run.
#[derive(Debug, Default)]
pub struct Reader {
    entry_points: IndexVec<MethodId, EntryPoint>,
    cells: Vec<u32>,
}

/// What the trace has told of a method so far.
#[derive(Clone, Copy, Debug, Default)]
struct EntryPoint {
    thunk: bool,
    body: bool,
    byte_code: bool,
    published: bool,
    waiting: bool,
    first: Option<First>,
}

impl EntryPoint {
    fn state(self) -> State {
        match self {
            EntryPoint { published: true, thunk: true, .. } => State::PublishedBehindThunk,
            EntryPoint { published: true, .. } => State::Published,
            EntryPoint { body: true, byte_code: true, .. } => State::BodyAndByteCode,
            EntryPoint { body: true, .. } => State::Body,
            EntryPoint { thunk: true, byte_code: true, .. } => State::PreparedThunk,
            EntryPoint { thunk: true, .. } => State::Thunk,
            EntryPoint { byte_code: true, .. } => State::Prepared,
            EntryPoint { waiting: true, .. } => State::Waiting,
            _ => State::Cold,
        }
    }
}

impl Reader {
    /// The numbers of the cells that a run went through, one an event that
    /// has a callee, in order.
    pub fn read(&mut self, vm: &Vm, expected: &Expectation) -> &[u32] {
        let layout = &vm.scenario.layout;
        self.cells.clear();
        self.entry_points.clear();
        self.entry_points.extend(layout.methods.iter().map(|_| EntryPoint::default()));
        for step in &vm.trace {
            match *step {
                Step::Event(i) => {
                    let event = &vm.scenario.script[i];
                    self.event(layout, event, &expected.events[i], &expected.calls);
                }
                ref step => self.step(step),
            }
        }
        &self.cells
    }

    fn event(
        &mut self,
        layout: &Layout,
        event: &Event,
        expected: &ExpectedEvent,
        calls: &[ExpectedCall],
    ) {
        let site = |site: SiteId| path(layout.site(site));
        match (event, expected) {
            (Event::Prepare(to) | Event::Touch(to) | Event::Reset(to), _)
            | (Event::Recycle { to, .. }, _) => {
                self.cell(layout, CellCaller::Vm, CellAction::Event(event.kind()), *to);
            }
            (Event::Take { site: id, .. }, ExpectedEvent::Pointer(held)) => {
                let (by, action) = site(*id);
                self.cell(layout, by, action, held.method);
            }
            (_, ExpectedEvent::Calls(range)) => {
                for call in &calls[range.clone()] {
                    let (by, action) = site(call.site);
                    self.cell(layout, by, action, call.callee);
                }
            }
            _ => {}
        }
    }

    fn cell(&mut self, layout: &Layout, by: CellCaller, action: CellAction, callee: MethodId) {
        let entry_point = &mut self.entry_points[callee];
        let method = layout.method(callee);
        let cell = Cell {
            by,
            action,
            entry: method.entry(),
            code: method.code,
            state: entry_point.state(),
            shape: shape(layout, &method.signature),
            first: entry_point.first.unwrap_or(First::Nothing),
        };
        entry_point.first.get_or_insert(action.comes_first());
        self.cells.push(cell.number() as u32);
    }

    fn step(&mut self, step: &Step) {
        let (callee, change): (Callee, fn(&mut EntryPoint)) = match *step {
            Step::ActualCode { callee, by, .. } => match by {
                Writer::InterpreterThunk => (callee, |e| e.thunk = true),
                Writer::ReadyToRunBody | Writer::FCall => (callee, |e| e.body = true),
                Writer::UnmanagedEntry => return,
            },
            Step::UnmanagedEntry { method, .. } => (Callee::Method(method), |e| e.published = true),
            Step::Prestub { callee, outcome: Prestub::ByteCode | Prestub::Both } => {
                (callee, |e| e.byte_code = true)
            }
            Step::Pending { callee, .. } => (callee, |e| e.waiting = true),
            Step::Reset { method } => (Callee::Method(method), |e| {
                *e = EntryPoint { first: e.first, ..EntryPoint::default() };
            }),
            _ => return,
        };
        // Stubs of the VM are no callees of a scenario.
        if let Callee::Method(method) = callee
            && let Some(entry_point) = self.entry_points.get_mut(method)
        {
            change(entry_point);
        }
    }
}

/// Who does what at a site.
fn path(site: &Site) -> (CellCaller, CellAction) {
    let Parts { kind, chosen, .. } = site.action.parts();
    let by = match kind.runtime_path() {
        Some(_) => CellCaller::Runtime,
        None => CellCaller::Site(site.caller.kind()),
    };
    // Interpreted code makes a delegate that is closed or not; the rest it does in one way.
    let differs =
        by == CellCaller::Site(CallerKind::ReadyToRun) || kind.choice() == Some(Choice::Closed);
    (by, CellAction::Site { kind, chosen: chosen && differs })
}

fn shape(layout: &Layout, signature: &Signature) -> Shape {
    let buffer = signature.ret.is_some_and(|ty| returns_by_buffer(layout, ty));
    match (signature.instance, buffer) {
        _ if signature.continuation => Shape::Continuation,
        _ if signature.context => Shape::Context,
        (true, true) => Shape::InstanceBuffer,
        (true, false) => Shape::Instance,
        (false, true) => Shape::Buffer,
        (false, false) => {
            let params = signature.params.iter().map(|&ty| shape_of(layout, ty));
            params.max().unwrap_or(Shape::Words)
        }
    }
}

fn shape_of(layout: &Layout, ty: Type) -> Shape {
    match ty {
        Type::Struct(id) => match layout.structs[id].shape {
            StructShape::Wraps(inner) => shape_of(layout, inner),
            StructShape::Opaque { .. } | StructShape::Empty => Shape::Struct,
        },
        Type::I64
        | Type::U64
        | Type::F32
        | Type::F64
        | Type::Int128
        | Type::Vector128
        | Type::Vector256
        | Type::Vector512 => Shape::Scalars,
        Type::Bool
        | Type::Char
        | Type::I8
        | Type::U8
        | Type::I16
        | Type::U16
        | Type::I32
        | Type::U32
        | Type::NInt
        | Type::NUInt
        | Type::Pointer
        | Type::Object => Shape::Words,
    }
}
