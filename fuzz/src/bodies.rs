//! Method bodies that nobody wrote, called as emitted code calls them.
//!
//! wasm-smith fills functions of the very types that a layout's unmanaged calls have. Each
//! is called through the `call_indirect` of an emitted native caller, and directly with the
//! operands that the caller passes, in instances of their own, on wasmtime and on wasmi: four
//! runs that must agree in result and trap. The bodies count their own fuel, so that both engines
//! stop at the same instruction.

mod machine;
mod wasmi;
mod wasmtime;

use std::fmt::Debug;

use arbitrary::{Arbitrary, Unstructured};
use calliper::generate;
use calliper::inside::{
    Action, Caller, Emission, FRAME_ARGUMENTS, FuncType, Layout, Role, Shape, Signature, Site,
    SiteId, TableIndex, Trap, crossgen_lower, encode_runtime,
};
use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, TypeSection,
};

use machine::{Ending, Machine, Stop, Value};

/// The most signatures of an input: compiling is what costs.
const SIGNATURES: usize = 4;
/// Calls of each body.
const CALLS: usize = 3;
/// Loop turns and calls that the bodies of an input have together.
const FUEL: u32 = 200;

/// Where exactly depends on the engine.
const EXHAUSTED: Stop = Stop::Trap(Trap::StackExhausted);

/// Runs one input: how many calls all four agreed on, and how many of them returned.
///
/// # Panics
/// With the module in text form, when two of the four runs differ.
pub fn run(data: &[u8]) -> (usize, usize) {
    let mut bytes = Unstructured::new(data);
    let Ok(case) = Case::arbitrary(&mut bytes) else { return (0, 0) };
    case.compare().unwrap_or_else(|Difference(difference)| {
        let text = wasmprinter::print_bytes(&case.bodies).unwrap_or_else(|e| e.to_string());
        panic!("{difference}\n--- bodies ---\n{text}");
    })
}

/// One caller and one body for each signature.
struct Case {
    layout: Layout,
    emission: Emission,
    /// The modules, as wasm.
    harness: Vec<u8>,
    bodies: Vec<u8>,
    /// What arguments are made from.
    arguments: Vec<u8>,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let arguments = bytes.arbitrary::<[u8; 64]>()?.to_vec();
        // What is left of the bytes is for the bodies.
        let layout_bytes = bytes.bytes(bytes.len().min(256) / 2)?;
        let layout = native_calls(generate(&mut Unstructured::new(layout_bytes)).layout);
        let types: Vec<FuncType> = signatures(&layout).map(|s| body_type(&layout, s)).collect();
        let mut module = wasm_smith::Module::new(config(template(&types)), bytes)?;
        module.ensure_termination(FUEL).map_err(|_| arbitrary::Error::IncorrectFormat)?;
        let emission = Emission::new(&layout);
        let harness = encode_runtime(&emission.program);
        Ok(Self { layout, emission, harness, bodies: module.to_bytes(), arguments })
    }
}

/// The structs of a layout, and native code that calls with each of its signatures that
/// has an unmanaged form.
fn native_calls(layout: Layout) -> Layout {
    let called = layout.sites.into_iter().filter_map(|site| match site.action {
        Action::ManagedCalli(s) | Action::UnmanagedCalli(s) => Some(s),
        _ => None,
    });
    let mut calls: Vec<Signature> = Vec::new();
    for signature in layout.methods.into_iter().map(|m| m.signature).chain(called) {
        let hidden = signature.instance || signature.context || signature.continuation;
        if !hidden && !calls.contains(&signature) && calls.len() < SIGNATURES {
            calls.push(signature);
        }
    }
    let site = |(i, signature): (usize, Signature)| Site {
        name: format!("Call{i}"),
        caller: Caller::Native,
        action: Action::UnmanagedCalli(signature),
    };
    let sites = calls.into_iter().enumerate().map(site).collect();
    Layout { structs: layout.structs, sites, ..Layout::default() }
}

fn signatures(layout: &Layout) -> impl Iterator<Item = &Signature> {
    layout.sites.iter().filter_map(|site| match &site.action {
        Action::UnmanagedCalli(signature) => Some(signature),
        _ => None,
    })
}

/// The type of a callee, as crossgen2 computes it; the caller's is the JIT's.
fn body_type(layout: &Layout, signature: &Signature) -> FuncType {
    crossgen_lower(layout, signature, Shape::Unmanaged).func_type()
}

/// The export that is the body of a call.
fn body_name(index: usize) -> String {
    format!("body{index}")
}

/// A module whose exports wasm-smith copies.
fn template(types: &[FuncType]) -> Vec<u8> {
    let (mut section, mut functions) = (TypeSection::new(), FunctionSection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
    for (index, ty) in (0..).zip(types) {
        section.ty().function(ty.params.iter().map(|&ty| ty.into()), ty.result.map(Into::into));
        functions.function(index);
        exports.export(&body_name(index as usize), ExportKind::Func, index);
        let mut body = Function::new([]);
        body.instructions().unreachable().end();
        code.function(&body);
    }
    let mut module = wasm_encoder::Module::new();
    module.section(&section).section(&functions).section(&exports).section(&code);
    module.finish()
}

/// What both engines do alike, and little enough of it.
fn config(exports: Vec<u8>) -> wasm_smith::Config {
    wasm_smith::Config {
        exports: Some(exports),
        canonicalize_nans: true,
        allow_start_export: false,
        max_imports: 0,
        max_funcs: 8,
        max_instructions: 200,
        max_data_segments: 4,
        max_element_segments: 4,
        max_memory32_bytes: 1 << 20,
        memory_max_size_required: true,
        max_table_elements: 64,
        table_max_size_required: true,
        relaxed_simd_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        reference_types_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        wide_arithmetic_enabled: false,
        compact_imports_enabled: false,
        ..wasm_smith::Config::default()
    }
}

impl Case {
    /// Runs everything on both engines: calls, and those that returned.
    fn compare(&self) -> Result<(usize, usize), Difference> {
        let ours = wasmtime::Wasmtime::new(&self.harness, &self.bodies);
        let theirs = wasmi::Wasmi::new(&self.harness, &self.bodies);
        let (mut ours, mut theirs) = match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => (ours, theirs),
            // A segment out of bounds, say.
            (ours, theirs) => {
                same("starting", ours.err(), theirs.err())?;
                return Ok((0, 0));
            }
        };
        let (mut calls, mut returned) = (0, 0);
        for call in 0..CALLS {
            for (index, signature) in signatures(&self.layout).enumerate() {
                let of_ours = self.call(&mut ours, index, signature, call)?;
                let of_theirs = self.call(&mut theirs, index, signature, call)?;
                if [&of_ours, &of_theirs].iter().any(|e| **e == Err(EXHAUSTED)) {
                    // What comes after is not comparable.
                    return Ok((calls, returned));
                }
                same(&format!("call {call} of {}", body_name(index)), &of_ours, &of_theirs)?;
                calls += 1;
                returned += usize::from(of_ours.is_ok());
            }
        }
        Ok((calls, returned))
    }

    /// Calls a body both ways on one machine: what both come to.
    fn call(
        &self,
        machine: &mut impl Machine,
        index: usize,
        signature: &Signature,
        call: usize,
    ) -> Result<Ending, Difference> {
        let ty = body_type(&self.layout, signature);
        let role = Role::NativeCaller(SiteId::from(index));
        let caller = self.emission.runtime_slot(&role).expect("each site has a caller");
        let map = &self.emission.facts.map;
        let (frame, result) = (map.frame(0).get(), map.result(0).get());
        let arguments = [self.emission.program.stack_pointer, frame, result];

        let slot = machine.slot();
        self.write_frame(machine, slot, call);
        let operands = machine.operands(caller, arguments, &ty);
        let direct = machine.direct(&body_name(index), &operands, &ty);
        let through = machine.through(&body_name(index), caller, arguments);
        if direct == Err(EXHAUSTED) || through == Err(EXHAUSTED) {
            return Ok(Err(EXHAUSTED));
        }
        let through = through
            .map(|()| ty.result.map(|ty| Value::read(ty, &machine.memory()[result as usize..])));
        same(&format!("{} directly and through its caller", body_name(index)), &direct, &through)?;
        Ok(direct)
    }

    /// The function pointer, and arguments that look like nothing else.
    fn write_frame(&self, machine: &mut impl Machine, pointer: TableIndex, call: usize) {
        let map = &self.emission.facts.map;
        let (at, size) = (map.frame(0).get() as usize, map.frame_size as usize);
        let frame = &mut machine.memory()[at..at + size];
        frame[..4].copy_from_slice(&pointer.get().to_le_bytes());
        let bytes = self.arguments.iter().cycle().skip(call);
        for (byte, value) in frame[FRAME_ARGUMENTS as usize..].iter_mut().zip(bytes) {
            *byte = *value;
        }
    }
}

/// Two runs that should be alike and are not, in words.
struct Difference(String);

fn same<T: PartialEq + Debug>(what: &str, one: T, other: T) -> Result<(), Difference> {
    if one == other { Ok(()) } else { Err(Difference(format!("{what}: {one:?} and {other:?}"))) }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        ConstExpr, DataSection, ElementSection, Elements, MemorySection, MemoryType, Module,
        RefType, TableSection, TableType,
    };

    use super::*;

    /// What both engines say to a module that does not start.
    fn stops(bodies: &Module) -> [Option<Stop>; 2] {
        let harness = encode_runtime(&Emission::new(&Layout::default()).program);
        let bodies = bodies.as_slice();
        let ours = wasmtime::Wasmtime::new(&harness, bodies);
        [ours.err(), wasmi::Wasmi::new(&harness, bodies).err()]
    }

    #[test]
    fn a_segment_that_does_not_fit_stops_both_alike() {
        let offset = ConstExpr::i32_const(1);
        let (mut tables, mut elements) = (TableSection::new(), ElementSection::new());
        let element_type = RefType::FUNCREF;
        let empty =
            TableType { element_type, table64: false, minimum: 0, maximum: Some(0), shared: false };
        tables.table(empty);
        elements.active(None, &offset, Elements::Functions((&[]).into()));
        let mut module = Module::new();
        module.section(&tables).section(&elements);
        assert_eq!(stops(&module), [Some(Stop::Trap(Trap::TableOutOfBounds)); 2]);

        let (mut memories, mut data) = (MemorySection::new(), DataSection::new());
        let empty = MemoryType {
            minimum: 0,
            maximum: Some(0),
            memory64: false,
            shared: false,
            page_size_log2: None,
        };
        memories.memory(empty);
        data.active(0, &offset, []);
        let mut module = Module::new();
        module.section(&memories).section(&data);
        assert_eq!(stops(&module), [Some(Stop::Trap(Trap::MemoryOutOfBounds)); 2]);
    }

    /// A good part must return, else the comparison of results is empty.
    #[test]
    fn smoke() {
        let each: Vec<(usize, usize)> =
            crate::random_inputs(100).map(|data| super::run(&data)).collect();
        let calls: usize = each.iter().map(|(calls, _)| calls).sum();
        let returned: usize = each.iter().map(|(_, returned)| returned).sum();
        assert!(calls > 200 && returned > calls / 4, "{returned} of {calls} calls returned");
    }
}
