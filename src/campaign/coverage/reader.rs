//! Which cells a run went through.

use super::cell::{By, Cell, Deed, Entered, First, Has, Shape, State};
use crate::abi::vm::returns_by_buffer;
use crate::loader::Vm;
use crate::loader::callee::Callee;
use crate::loader::trace::{Prestub, Step, Writer};
use crate::reference::{Expectation, ExpectedCall, ExpectedEvent};
use crate::scenario::{
    Action, Binding, Caller, Code, Convention, Dispatch, Event, Form, Layout, Method, MethodId,
    RuntimePath, Signature, SiteId, StructShape, Type,
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
        match (event, expected) {
            (Event::Prepare(method), _) => self.cell(layout, By::Vm, Deed::Prepare, *method),
            (Event::Touch(method), _) => self.cell(layout, By::Vm, Deed::Touch, *method),
            (Event::Reset(method), _) => self.cell(layout, By::Vm, Deed::Reset, *method),
            (Event::Recycle { to, .. }, _) => self.cell(layout, By::Vm, Deed::Recycle, *to),
            (Event::Take { site, .. }, ExpectedEvent::Pointer(held)) => {
                let (by, deed) = path(layout, *site);
                self.cell(layout, by, deed, held.method);
            }
            (_, ExpectedEvent::Calls(range)) => {
                for call in &calls[range.clone()] {
                    let (by, deed) = path(layout, call.site);
                    self.cell(layout, by, deed, call.callee);
                }
            }
            _ => {}
        }
    }

    fn cell(&mut self, layout: &Layout, by: By, deed: Deed, callee: MethodId) {
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
            Deed::Touch | Deed::Reset | Deed::Recycle => First::Touched,
            Deed::Take | Deed::TakeVirtual | Deed::OpenDelegate | Deed::ClosedDelegate => {
                First::Taken
            }
            _ => First::Called,
        });
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
            && let Some(entry_point) = self.entry_points.get_mut(method.index())
        {
            change(entry_point);
        }
    }
}

/// Who does what at a site. An action that is new to the scenario model gets its [`Deed`] here.
fn path(layout: &Layout, site: SiteId) -> (By, Deed) {
    let site = layout.site(site);
    let by = match (&site.action, site.caller) {
        (Action::Runtime { .. }, _) => By::Runtime,
        (_, Caller::ReadyToRun(_)) => By::ReadyToRun,
        (_, Caller::Interpreter(_)) => By::Interpreter,
        (_, Caller::Native) => By::Native,
    };
    let compiled = by == By::ReadyToRun;
    let deed = match &site.action {
        Action::Direct { binding: Binding::Eager, .. } if compiled => Deed::DirectEager,
        Action::Direct { .. } => Deed::Direct,
        Action::Virtual { dispatch: Dispatch::VirtualThunk, .. } if compiled => Deed::VirtualThunk,
        Action::Virtual { .. } => Deed::Virtual,
        Action::ManagedCalli(_) => Deed::ManagedCalli,
        Action::UnmanagedCalli(_) => Deed::UnmanagedCalli,
        Action::Invoke(_) => Deed::Invoke,
        Action::PInvoke { suppress_gc_transition: true, .. } if compiled => Deed::PInvokeSuppressed,
        Action::PInvoke { .. } => Deed::PInvoke,
        Action::Ldftn(_) => Deed::Take,
        Action::Ldvirtftn(_) => Deed::TakeVirtual,
        Action::NewDelegate { closed: false, .. } => Deed::OpenDelegate,
        Action::NewDelegate { closed: true, .. } => Deed::ClosedDelegate,
        Action::Runtime { path, .. } => match path {
            RuntimePath::Reflection => Deed::Reflection,
            RuntimePath::ClassConstructor => Deed::ClassConstructor,
            RuntimePath::DefaultConstructor => Deed::DefaultConstructor,
            RuntimePath::EntryPoint => Deed::EntryPoint,
            RuntimePath::Finalizer => Deed::Finalizer,
            RuntimePath::Export => Deed::Export,
            RuntimePath::Resume => Deed::Resume,
        },
    };
    (by, deed)
}

fn entered(method: &Method) -> Entered {
    match (method.convention, method.form, method.reverse_thunk) {
        (Convention::Managed, Form::Ordinary, _) => Entered::Managed,
        (Convention::Managed, Form::StringConstructor, _) => Entered::StringConstructor,
        (Convention::Managed, Form::Dynamic, _) => Entered::Dynamic,
        (Convention::UnmanagedCallersOnly, _, false) => Entered::Unmanaged,
        (Convention::UnmanagedCallersOnly, _, true) => Entered::ReverseThunk,
        (Convention::PInvoke, _, _) => Entered::PInvoke,
    }
}

fn has(code: Code) -> Has {
    match code {
        Code::ReadyToRun => Has::ReadyToRun,
        Code::Interpreted => Has::ByteCode,
        Code::Both => Has::Both,
        Code::Rejected => Has::Rejected,
        Code::Native => Has::Native,
    }
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
        Type::Struct(id) => match layout.structs[id.index()].shape {
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
        _ => Shape::Words,
    }
}
