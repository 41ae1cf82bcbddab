//! Emits the modules of a layout: which functions, cells and thunks each has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::facts::{CallerFacts, Cell, Emission, ImageFacts, Import, Role};
use super::function::Types;
use super::map::MemoryMap;
use super::payload::{Contents, cell_rva};
use super::runtime::Helper;
use super::{Function, Module, Program, methods, payload, runtime, thunks};
use crate::abi::Shape;
use crate::abi::crossgen::{Lowered, lower};
use crate::scenario::{
    Action, AssemblyId, Binding, Convention, Layout, MethodId, Signature, SiteId,
};

/// The import that a direct call goes through.
pub fn call_import(callee: MethodId, binding: Binding) -> Import {
    match binding {
        Binding::Lazy => Import::LazyMethodEntry(callee),
        Binding::Eager => Import::MethodEntry(callee),
    }
}

/// Emits everything.
pub fn emit(layout: &Layout) -> Emission {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let mut types = Types::default();
    let (runtime, runtime_facts) = runtime::runtime(layout, &mut types);
    let mut images = Vec::new();
    let mut facts = Vec::new();
    for index in 0..layout.assemblies.len() {
        let (module, image_facts) = image(layout, &mut types, AssemblyId(index as u16));
        images.push(module);
        facts.push(image_facts);
    }
    let payload_bytes = images.iter().map(|i| i.payload.len() as u32 + 64).sum();
    let map = MemoryMap::new(layout, payload_bytes);
    let program = Program {
        serial: SERIAL.fetch_add(1, Ordering::Relaxed),
        types: types.into_list(),
        runtime,
        images,
        memory: map.initial_memory(),
        stack_pointer: map.stack_top,
    };
    Emission { program: Arc::new(program), map, runtime: runtime_facts, images: facts }
}

/// One assembly's module while it is put together.
struct ImageBuilder<'a> {
    layout: &'a Layout,
    assembly: AssemblyId,
    imports: Vec<Import>,
    /// Managed signatures, by key: one import thunk each.
    import_thunks: BTreeMap<String, Lowered>,
    /// Managed signatures, by key: one thunk in each direction.
    transitions: BTreeMap<String, Lowered>,
}

fn image(layout: &Layout, types: &mut Types, assembly: AssemblyId) -> (Module, ImageFacts) {
    let mut builder = ImageBuilder {
        layout,
        assembly,
        imports: Vec::new(),
        import_thunks: BTreeMap::new(),
        transitions: BTreeMap::new(),
    };
    builder.collect();
    builder.emit(types)
}

impl ImageBuilder<'_> {
    /// Walks the compiled methods and sites for what they import and which thunks they root.
    ///
    /// crossgen2 roots both transition thunks for every compiled managed method
    /// and every managed call site, and for every method whose entry point it
    /// materialises (#132965); a UCO method roots none
    /// (`!IsUnmanagedCallersOnly` in CorInfoImpl.ReadyToRun.cs, #129857).
    fn collect(&mut self) {
        let layout = self.layout;
        let mut imports = BTreeSet::from([
            Import::Module,
            Import::ThunkHelper(Helper::DelayLoadMethodCall),
            Import::ThunkHelper(Helper::R2RToInterpreter),
        ]);
        for (_, method) in layout.methods_of(self.assembly) {
            if !method.code.has_r2r_body() {
                continue;
            }
            match method.convention {
                Convention::Managed => self.root(&method.signature),
                Convention::UnmanagedCallersOnly => {
                    imports.insert(Import::JitHelper(Helper::ReversePInvokeEnter));
                    imports.insert(Import::JitHelper(Helper::ReversePInvokeExit));
                }
            }
        }
        for (_, site) in layout.compiled_sites_of(self.assembly) {
            match &site.action {
                Action::Direct { callee, binding } => {
                    let signature = &layout.method(*callee).signature;
                    imports.insert(call_import(*callee, *binding));
                    self.root(signature);
                    if *binding == Binding::Lazy {
                        // WasmImportThunkPortableEntrypoint strips IsUnmanagedCallersOnly:
                        // an import thunk is always managed.
                        let lowered = lower(layout, signature, Shape::Managed);
                        self.import_thunks.insert(lowered.to_string(), lowered);
                    }
                }
                Action::ManagedCalli(signature) => self.root(signature),
                Action::UnmanagedCalli(_) => {
                    imports.insert(Import::JitHelper(Helper::PInvokeBegin));
                    imports.insert(Import::JitHelper(Helper::PInvokeEnd));
                }
                Action::Ldftn(target) => {
                    imports.insert(Import::MethodEntry(*target));
                    let method = layout.method(*target);
                    if method.convention == Convention::Managed {
                        self.root(&method.signature);
                    }
                }
            }
        }
        self.imports = imports.into_iter().collect();
    }

    fn root(&mut self, signature: &Signature) {
        let lowered = lower(self.layout, signature, Shape::Managed);
        self.transitions.entry(lowered.to_string()).or_insert(lowered);
    }

    fn rva_of(&self, import: Import) -> u32 {
        let position = self.imports.binary_search(&import);
        cell_rva(position.expect("collect() gathers every import that code uses"))
    }

    fn emit(self, types: &mut Types) -> (Module, ImageFacts) {
        let layout = self.layout;
        let rva_of = |import| self.rva_of(import);
        let mut functions: Vec<Function> = Vec::new();
        let mut roles = Vec::new();
        let mut contents = Contents { cells: self.imports.clone(), ..Contents::default() };
        let mut defined = Vec::new();

        for (id, method) in layout.methods_of(self.assembly) {
            defined.push(id);
            let index = functions.len() as u32;
            contents.method_entries.push(method.code.has_r2r_body().then_some(index));
            if method.code.has_r2r_body() {
                functions.push(methods::body(layout, types, id, index, &rva_of));
                roles.push(Role::Body(id));
            }
        }
        let mut callers = Vec::new();
        for (id, site) in layout.compiled_sites_of(self.assembly) {
            let index = functions.len() as u32;
            let caller = methods::caller(layout, types, site, index, &rva_of);
            callers.push(CallerFacts {
                site: id,
                function: index,
                fixups: self.fixups_of(id),
                frame_size: caller.frame_size,
            });
            functions.push(caller.code);
            roles.push(Role::Caller(id));
        }
        contents.runtime_functions = functions.len() as u32;

        let import_thunks_at: BTreeMap<&str, u32> = (functions.len() as u32..)
            .zip(self.import_thunks.keys())
            .map(|(index, key)| (key.as_str(), index))
            .collect();
        for (key, lowered) in &self.import_thunks {
            functions.push(thunks::import_thunk(types, lowered, &rva_of));
            roles.push(Role::ImportThunk(key.clone()));
        }
        for (position, import) in self.imports.iter().enumerate() {
            if let Import::LazyMethodEntry(callee) = import {
                let signature = &layout.method(*callee).signature;
                let key = lower(layout, signature, Shape::Managed).to_string();
                contents.import_thunks.push((position, import_thunks_at[key.as_str()]));
            }
        }
        for (key, lowered) in &self.transitions {
            contents.string_thunks.push((format!("I{key}"), functions.len() as u32));
            functions.push(thunks::r2r_to_interpreter(types, lowered, &rva_of));
            roles.push(Role::R2RToInterpreter(key.clone()));
            contents.string_thunks.push((format!("M{key}"), functions.len() as u32));
            functions.push(thunks::interpreter_to_r2r(types, lowered));
            roles.push(Role::InterpreterToR2R(key.clone()));
        }

        let payload = payload::write(&contents);
        let cells = (self.imports.iter().enumerate())
            .map(|(i, &import)| Cell { rva: cell_rva(i), import })
            .collect();
        let facts = ImageFacts {
            roles,
            cells,
            callers,
            runtime_functions: contents.runtime_functions,
            min_function_index: payload.min_function_index,
            method_entries: payload.method_entries,
            methods: defined,
            string_thunks: payload.string_thunks,
            relocations: payload.relocations,
            relocations_size: payload.relocations_size,
        };
        let name = layout.assemblies[self.assembly.index()].name.clone();
        (Module { name, functions, payload: payload.bytes }, facts)
    }

    /// The cells that the VM must resolve before the method that holds the site runs.
    fn fixups_of(&self, site: SiteId) -> Vec<u32> {
        match &self.layout.site(site).action {
            Action::Direct { callee, binding: Binding::Eager } | Action::Ldftn(callee) => {
                vec![self.rva_of(Import::MethodEntry(*callee))]
            }
            _ => Vec::new(),
        }
    }
}
