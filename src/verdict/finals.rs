//! Whether the loader's structures are right at the end of a run.

use super::class::FindingClass;
use super::mismatch::Mismatch;
use super::pointer::{is_own_code, wrong_pointer};
use super::run::Run;
use super::value::{Value, classify, slot_owner};
use crate::abi::FuncType;
use crate::image::emission::Role;
use crate::image::facts::Import;
use crate::image::pep::PepWords;
use crate::image::words::{FunctionPointer, TableIndex};
use crate::loader::Vm;
use crate::loader::callee::StubKind;
use crate::reference;
use crate::scenario::targets::{Held, HeldKind};
use crate::scenario::{Code, Convention, Layout, MethodId};

/// The loader's structures at the end: entry points, own unmanaged entries, cells.
pub(super) fn compare_finals(run: &Run, mismatches: &mut Vec<Mismatch>) {
    let vm = run.vm;
    let finals = &vm.observation.finals;
    let layout = &vm.scenario.layout;
    let mut mismatch = |what| {
        let class = FindingClass::Resolution;
        mismatches.push(Mismatch { class, event: None, call: None, what });
    };
    for (method, words, own) in &finals.methods {
        if let Some(what) = wrong_entry_point(vm, *method, words, *own) {
            mismatch(format!("{}: {what}", layout.method(*method).name));
        }
    }
    for ((stub, at), words) in vm.stubs().iter().zip(&finals.stubs) {
        let ty = reference::shape::of(layout, &stub.signature, true);
        let code = words.actual_code;
        if words.method_desc != at.method_desc || !is_null_or_thunk(vm, code, &ty) {
            let name = &layout.method(stub.kind.method()).name;
            let kind = stub.kind.name();
            mismatch(format!("{name}'s {kind}: _pActualCode is {code}, of another type or method"));
        }
    }
    for &(assembly, rva, value) in &finals.cells {
        let Some(cell) = vm.facts.images[assembly].cell_at(rva) else { continue };
        if let Some(what) = wrong_cell(vm, cell.import, FunctionPointer::new(value)) {
            let name = &layout.assemblies[assembly].name;
            mismatch(format!("import cell {name}+{rva}: {what}"));
        }
    }
}

/// Why a cell does not hold what it imports, resolved or not.
fn wrong_cell(vm: &Vm, import: Import, word: FunctionPointer) -> Option<String> {
    let value = classify(vm, word, vm.observation.finals.table_len);
    let unresolved = match import.lazy() {
        Some(_) => value == Value::ImageData,
        None => word == FunctionPointer::NULL,
    };
    let holds = |role: Role| matches!(&value, Value::TableIndex(owner) if *owner.role == role);
    let right = match import {
        Import::MethodEntry(method) | Import::LazyMethodEntry(method) => {
            let data = vm.scenario.layout.method(method);
            if data.convention == Convention::UnmanagedCallersOnly && !unresolved {
                let kind = HeldKind::Pointer { boxed: false };
                return wrong_pointer(vm, Held { method, kind }, word);
            }
            unresolved || value == Value::EntryPoint(method)
        }
        Import::InstantiatingStub(method) => {
            unresolved || value == Value::Stub(StubKind::Instantiating(method))
        }
        Import::VirtualEntry(method, _) => unresolved || value == Value::VirtualDispatch(method),
        Import::PInvokeTarget(method) => unresolved || holds(Role::Body(method)),
        Import::GenericLookup(_) => value == Value::ImageData,
        Import::ResumptionStub(method) => holds(Role::ResumptionStub(method)),
        Import::ThunkHelper(helper) => word == helper.slot().into(),
        Import::JitHelper(_) => vm.helper_peps().iter().any(|pep| *pep == word.assume_pep()),
        Import::Missing => unresolved,
        Import::Module => true,
    };
    let off = !vm.ready_to_run() && word == FunctionPointer::NULL;
    (!right && !off).then(|| format!("{word} is {}", value.describe(&vm.scenario.layout)))
}

/// Nothing, or an R2R-to-interpreter thunk of this type.
fn is_null_or_thunk(vm: &Vm, code: TableIndex, ty: &FuncType) -> bool {
    code == TableIndex::NONE
        || slot_owner(vm, code)
            .is_some_and(|o| matches!(o.role, Role::R2RToInterpreter(_)) && o.ty == ty)
}

/// Why an entry point's words are not those of its method in any state.
fn wrong_entry_point(
    vm: &Vm,
    method: MethodId,
    words: &PepWords,
    own: TableIndex,
) -> Option<String> {
    let layout: &Layout = &vm.scenario.layout;
    let data = layout.method(method);
    if vm.method(method).is_none_or(|m| m.method_desc != words.method_desc) {
        return Some(format!("the entry point's MethodDesc is {}", words.method_desc));
    }
    let uco = data.convention == Convention::UnmanagedCallersOnly;
    let is_own = |index: TableIndex| {
        slot_owner(vm, index).is_some_and(|owner| is_own_code(vm, method, &owner))
    };
    if own != TableIndex::NONE && !(uco && is_own(own)) {
        return Some(format!("its own unmanaged entry is {own}"));
    }
    let code = words.actual_code;
    // A P/Invoke's target is not for managed callers.
    let target = data.convention == Convention::PInvoke && data.code == Code::Native;
    if is_own(code) && !target {
        return None;
    }
    // A managed thunk: for the method's own type, or in a UCO method's entry
    // point for managed callers.
    let managed = reference::shape::of(layout, &data.signature, true);
    (!is_null_or_thunk(vm, code, &managed))
        .then(|| format!("_pActualCode is {code}, of another type or method"))
}
