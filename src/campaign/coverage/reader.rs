//! Which cells a run went through.

use super::cell::{By, Cell, Deed, Entered, First, Has, Shape, State};
use crate::abi::vm::returns_by_buffer;
use crate::loader::Vm;
use crate::loader::trace::{Prestub, Step, Writer};
use crate::reference::{Expectation, ExpectedEvent};
use crate::scenario::{
    Action, Binding, Call, Caller, Code, Convention, Event, Layout, Method, MethodId, Signature,
    SiteId, StructShape, Type,
};

/// Reads cells off finished runs. Keeps its buffers from run to run.
#[derive(Debug, Default)]
pub struct Reader {
    entry_points: Vec<EntryPoint>,
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
        self.entry_points.resize(layout.methods.len(), EntryPoint::default());
        for step in &vm.trace {
            match *step {
                Step::Event(i) => self.event(layout, &vm.scenario.script[i], &expected.events[i]),
                ref step => self.step(step),
            }
        }
        &self.cells
    }

    fn event(&mut self, layout: &Layout, event: &Event, expected: &ExpectedEvent) {
        let Some((by, deed, callee)) = deed(layout, event, expected) else { return };
        let entry_point = &mut self.entry_points[callee.index()];
        let method = layout.method(callee);
        let cell = Cell {
            by,
            deed,
            entered: entered(method),
            has: has(method.code),
            state: entry_point.state(),
            shape: shape(layout, &method.signature),
            first: entry_point.first.unwrap_or(First::Nothing),
        };
        entry_point.first.get_or_insert(match deed {
            Deed::Prepare => First::Prepared,
            Deed::Touch => First::Touched,
            Deed::Take => First::Taken,
            _ => First::Called,
        });
        self.cells.push(cell.number() as u32);
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::ActualCode { method, by, .. } => {
                let entry_point = &mut self.entry_points[method.index()];
                match by {
                    Writer::InterpreterThunk => entry_point.thunk = true,
                    Writer::ReadyToRunBody => entry_point.body = true,
                    Writer::UnmanagedEntry => {}
                }
            }
            Step::UnmanagedEntry { method, .. } => {
                self.entry_points[method.index()].published = true;
            }
            Step::Prestub { method, outcome: Prestub::ByteCode | Prestub::Both } => {
                self.entry_points[method.index()].byte_code = true;
            }
            Step::Pending { method, .. } => self.entry_points[method.index()].waiting = true,
            _ => {}
        }
    }
}

/// Who does what to whom. An action that is new to the scenario model gets its [`Deed`] here.
fn deed(layout: &Layout, event: &Event, expected: &ExpectedEvent) -> Option<(By, Deed, MethodId)> {
    match (event, expected) {
        (Event::Prepare(method), _) => Some((By::Vm, Deed::Prepare, *method)),
        (Event::Touch(method), _) => Some((By::Vm, Deed::Touch, *method)),
        (
            Event::Take { site, .. } | Event::Call(Call { site, .. }),
            ExpectedEvent::Pointer(method) | ExpectedEvent::Call { callee: method, .. },
        ) => {
            let (by, deed) = path(layout, *site);
            Some((by, deed, *method))
        }
        _ => None,
    }
}

fn path(layout: &Layout, site: SiteId) -> (By, Deed) {
    let site = layout.site(site);
    let by = match site.caller {
        Caller::ReadyToRun(_) => By::ReadyToRun,
        Caller::Interpreter(_) => By::Interpreter,
        Caller::Native => By::Native,
    };
    let deed = match &site.action {
        Action::Direct { binding: Binding::Eager, .. } if by == By::ReadyToRun => Deed::DirectEager,
        Action::Direct { .. } => Deed::Direct,
        Action::ManagedCalli(_) => Deed::ManagedCalli,
        Action::UnmanagedCalli(_) => Deed::UnmanagedCalli,
        Action::Ldftn(_) => Deed::Take,
    };
    (by, deed)
}

fn entered(method: &Method) -> Entered {
    match (method.convention, method.reverse_thunk) {
        (Convention::Managed, _) => Entered::Managed,
        (Convention::UnmanagedCallersOnly, false) => Entered::Unmanaged,
        (Convention::UnmanagedCallersOnly, true) => Entered::ReverseThunk,
    }
}

fn has(code: Code) -> Has {
    match (code.has_r2r_body(), code.has_byte_code()) {
        (true, true) => Has::Both,
        (false, _) => Has::ByteCode,
        (true, false) => Has::ReadyToRun,
    }
}

fn shape(layout: &Layout, signature: &Signature) -> Shape {
    let buffer = signature.ret.is_some_and(|ty| returns_by_buffer(layout, ty));
    match (signature.instance, buffer) {
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
        Type::Struct(id) => match layout.structs[id.index()].shape {
            StructShape::Wraps(inner) => shape_of(layout, inner),
            StructShape::Opaque { .. } => Shape::Struct,
        },
        Type::I64 | Type::U64 | Type::F32 | Type::F64 | Type::Int128 | Type::Vector128 => {
            Shape::Scalars
        }
        _ => Shape::Words,
    }
}
