//! Emits the modules of a layout: which functions, cells and thunks each has.

#![deny(clippy::wildcard_enum_match_arm)]

use std::collections::{BTreeMap, BTreeSet};

use super::bodies::{self, Home};
use super::callers::{self, CallerCompiler};
use super::decisions::{Compiler, FixedCompiler, Root};
use super::emission::{CallerCode, Emission, Role, Roles};
use super::facts::{
    CompiledBody, Facts, ImageFacts, Import, ImportCell, RuntimeFacts, call_import, pointer_import,
};
use super::function::Types;
use super::helpers::Helper;
use super::map::{IMAGE_OVERHEAD, MemoryMap};
use super::payload::{Contents, cell_rva};
use super::values::held;
use super::words::Rva;
use super::{Function, FunctionId, Module, Program, payload, runtime_module, thunks};
use crate::abi::Shape;
use crate::abi::crossgen::{Lowered, lower, raise};
use crate::index::IndexVec;
use crate::scenario::{
    Action, AssemblyId, Binding, Caller, Code, Convention, Dispatch, Layout, Signature, SiteId,
    Type,
};

impl Emission {
    /// Emits all modules of a layout.
    pub fn new(layout: &Layout) -> Self {
        Self::by(layout, &FixedCompiler)
    }

    /// Emits all modules of a layout as this compiler does it.
    pub fn by(layout: &Layout, compiler: &dyn Compiler) -> Self {
        emit(layout, compiler)
    }
}

// mutants: room that is larger, or that nothing else uses at the time, or that is rounded up to the
// same size
fn emit(layout: &Layout, compiler: &dyn Compiler) -> Emission {
    let mut types = Types::default();
    let (runtime, runtime_roles) = runtime_module::emit(layout, &mut types, compiler);
    let mut roles = Roles { runtime: runtime_roles, images: IndexVec::default() };
    let (mut images, mut facts) = (IndexVec::default(), IndexVec::default());
    let mut callers = Vec::new();
    for assembly in layout.assemblies.ids() {
        let image = ImageBuilder::new(layout, compiler, assembly).emit(&mut types);
        images.push(image.module);
        facts.push(image.facts);
        roles.images.push(image.roles);
        callers.extend(image.callers);
    }
    let payload_bytes = images.iter().map(|i| i.payload.len() as u32 + IMAGE_OVERHEAD).sum();
    let map = MemoryMap::new(layout, payload_bytes);
    let program = Program {
        types: types.into_list(),
        runtime,
        images,
        memory: map.initial_memory(),
        stack_pointer: map.stack_top,
    };
    let runtime = RuntimeFacts::of(&program, &roles.runtime);
    let facts = Facts { map, runtime, images: facts };
    Emission::of(layout, program, facts, roles, callers)
}

/// The signature of a static method that a delegate of this `Invoke` can be closed over.
fn closed_static(invoke: &Signature) -> Signature {
    let params = std::iter::once(Type::Object).chain(invoke.params.iter().copied()).collect();
    Signature { params, ..invoke.clone() }
}

/// One assembly's module, with what is known of it.
struct Image {
    module: Module,
    facts: ImageFacts,
    roles: IndexVec<FunctionId, Role>,
    callers: Vec<(SiteId, CallerCode)>,
}

/// One assembly's module while it is put together.
struct ImageBuilder<'a> {
    layout: &'a Layout,
    compiler: &'a dyn Compiler,
    assembly: AssemblyId,
    imports: BTreeSet<Import>,
    /// Keys of managed signatures: one import thunk each.
    import_thunks: BTreeSet<String>,
    /// Keys of managed signatures: one thunk in each direction.
    transitions: BTreeSet<String>,
    /// Signatures of slots, by key: one V-thunk each.
    virtual_thunks: BTreeMap<String, Lowered>,
    /// Keys of delegates' signatures that are closed over a static method with a return buffer.
    closed_static_thunks: BTreeSet<String>,
}

impl<'a> ImageBuilder<'a> {
    fn new(layout: &'a Layout, compiler: &'a dyn Compiler, assembly: AssemblyId) -> Self {
        let mut builder = Self {
            layout,
            compiler,
            assembly,
            imports: BTreeSet::from([
                Import::Module,
                Import::ThunkHelper(Helper::DelayLoadMethodCall),
                Import::ThunkHelper(Helper::R2RToInterpreter),
            ]),
            import_thunks: BTreeSet::new(),
            transitions: BTreeSet::new(),
            virtual_thunks: BTreeMap::new(),
            closed_static_thunks: BTreeSet::new(),
        };
        builder.collect();
        builder
    }

    /// Walks the compiled methods and sites for what they import and which thunks they root.
    ///
    /// crossgen2 roots both transition thunks for every compiled managed method
    /// and every managed call site, and for every method whose entry point it
    /// materialises (#132965); a UCO method roots none
    /// (`!IsUnmanagedCallersOnly` in CorInfoImpl.ReadyToRun.cs, #129857).
    fn collect(&mut self) {
        let layout = self.layout;
        for (id, method) in layout.methods_of(self.assembly) {
            if !method.code.has_r2r_body() {
                continue;
            }
            match method.convention {
                Convention::Managed => self.root(Root::Body, &method.signature),
                Convention::UnmanagedCallersOnly => {
                    self.imports.insert(Import::JitHelper(Helper::ReversePInvokeEnter));
                    self.imports.insert(Import::JitHelper(Helper::ReversePInvokeExit));
                }
                Convention::PInvoke => {}
            }
            if method.code == Code::Rejected {
                self.imports.insert(Import::Missing);
            }
            if method.signature.continuation {
                self.imports.extend([Import::ResumptionStub(id), Import::MethodEntry(id)]);
            }
        }
        let here = [Caller::ReadyToRun(self.assembly), Caller::Interpreter(self.assembly)];
        for site in layout.sites.iter().filter(|site| here.contains(&site.caller)) {
            self.collect_closed_static_thunk(&site.action);
        }
        for (_, site) in layout.compiled_sites_of(self.assembly) {
            self.collect_site(&site.action);
        }
    }

    // mutants: without a V-thunk the slow helper dispatches to the same method
    fn collect_site(&mut self, action: &Action) {
        let layout = self.layout;
        match action {
            Action::Direct { callee, binding } => {
                let signature = &layout.method(*callee).signature;
                self.imports.insert(call_import(*callee, *binding));
                self.root(Root::Call, signature);
                if signature.context {
                    self.imports.insert(Import::GenericLookup(*callee));
                }
                if *binding == Binding::Lazy {
                    self.import_thunk(signature);
                }
            }
            Action::Virtual { method, dispatch } => {
                let signature = &layout.method(*method).signature;
                self.imports.insert(Import::VirtualEntry(*method, *dispatch));
                self.root(Root::Virtual, signature);
                self.import_thunk(signature);
                if *dispatch == Dispatch::VirtualThunk {
                    let lowered = lower(layout, signature, Shape::Managed);
                    self.virtual_thunks.insert(thunks::virtual_key(&lowered), lowered);
                }
            }
            Action::ManagedCalli(signature) => self.root(Root::Call, signature),
            Action::Invoke(signature) => {
                self.root(Root::Delegate, &signature.as_instance());
                // What the delegate is closed over may be the first argument of a static method.
                self.root(Root::Delegate, &closed_static(signature));
            }
            Action::UnmanagedCalli(_) => self.pinvoke_helpers(),
            Action::PInvoke { callee, suppress_gc_transition } => {
                self.imports.insert(Import::PInvokeTarget(*callee));
                if !suppress_gc_transition {
                    self.pinvoke_helpers();
                }
            }
            Action::Ldftn(target) => {
                self.imports.insert(pointer_import(layout, *target));
                if layout.method(*target).convention != Convention::UnmanagedCallersOnly {
                    self.root(Root::Pointer, &layout.pointer_signature(*target));
                }
            }
            Action::Ldvirtftn(method) => {
                self.imports.insert(Import::JitHelper(Helper::VirtualFunctionPointer));
                self.root(Root::Virtual, &layout.method(*method).signature);
            }
            Action::NewDelegate { method, closed } => {
                self.imports.insert(Import::JitHelper(Helper::DelegateConstruct));
                self.imports.insert(Import::JitHelper(Helper::VirtualFunctionPointer));
                self.imports.insert(pointer_import(layout, *method));
                self.root(Root::Pointer, &layout.pointer_signature(*method));
                let invoke = layout.invoke_signature(*method, *closed);
                self.root(Root::Delegate, &invoke.as_instance());
            }
            Action::Runtime { .. } => {}
        }
    }

    fn pinvoke_helpers(&mut self) {
        self.imports.insert(Import::JitHelper(Helper::PInvokeBegin));
        self.imports.insert(Import::JitHelper(Helper::PInvokeEnd));
    }

    fn root(&mut self, why: Root, signature: &Signature) {
        if self.compiler.roots(why) {
            let lowered = lower(self.layout, signature, Shape::Managed);
            self.transitions.insert(lowered.to_string());
        }
    }

    /// `WasmImportThunkPortableEntrypoint` strips `IsUnmanagedCallersOnly`: an
    /// import thunk is always managed.
    fn import_thunk(&mut self, signature: &Signature) {
        let lowered = lower(self.layout, signature, Shape::Managed);
        self.import_thunks.insert(lowered.to_string());
    }

    /// Wherever a delegate can be made, as it may be called from anywhere.
    fn collect_closed_static_thunk(&mut self, action: &Action) {
        let Action::NewDelegate { method, closed: true } = *action else { return };
        let target = &self.layout.method(method).signature;
        let by_buffer = target.ret.and_then(|ty| held(self.layout, ty).return_buffer());
        if !target.instance && by_buffer.is_some() {
            let invoke = self.layout.invoke_signature(method, true).as_instance();
            let lowered = lower(self.layout, &invoke, Shape::Managed);
            self.closed_static_thunks.insert(lowered.to_string());
        }
    }

    fn emit(self, types: &mut Types) -> Image {
        let cells: Vec<Import> = self.imports.iter().copied().collect();
        let rva_of = |import| {
            let position = cells.binary_search(&import);
            cell_rva(position.expect("collect() gathers every import that code uses"))
        };
        let mut image = Functions::default();
        let mut contents = Contents { cells: cells.clone(), ..Contents::default() };
        let mut facts = ImageFacts {
            cells: (0..)
                .zip(&cells)
                .map(|(i, &import)| ImportCell { rva: cell_rva(i), import })
                .collect(),
            ..ImageFacts::default()
        };
        self.emit_methods(types, &mut image, &rva_of, &mut contents, &mut facts);
        let callers = self.emit_callers(types, &mut image, &rva_of, &mut facts);
        contents.runtime_functions = image.next().0;
        self.emit_import_thunks(types, &mut image, &rva_of, &mut contents);
        self.emit_string_thunks(types, &mut image, &rva_of, &mut contents);

        let payload = payload::write(&contents);
        let Functions { list: functions, roles } = image;
        let facts = ImageFacts {
            payload_size: payload.bytes.len() as u32,
            table_size: functions.len() as u32,
            runtime_functions: contents.runtime_functions,
            min_function_index: payload.min_function_index,
            method_entries: payload.method_entries,
            string_thunks: payload.string_thunks,
            string_thunks_size: payload.string_thunks_size,
            ..facts
        };
        let name = self.layout.assemblies[self.assembly].name.clone();
        let module = Module { name, functions, payload: payload.bytes };
        Image { module, facts, roles, callers }
    }

    fn emit_methods(
        &self,
        types: &mut Types,
        image: &mut Functions,
        rva_of: &dyn Fn(Import) -> Rva,
        contents: &mut Contents,
        facts: &mut ImageFacts,
    ) {
        let layout = self.layout;
        for (id, method) in layout.methods_of(self.assembly) {
            facts.methods.push(id);
            let compiled = method.code.has_r2r_body();
            let function = image.next();
            let has_fixups = method.code == Code::Rejected;
            contents.method_entries.push(compiled.then_some((function, has_fixups)));
            if compiled {
                let home = Home::Image { function, rva_of };
                let body = bodies::body(layout, types, id, &home, self.compiler);
                image.add(Role::Body(id), body);
                let fixups = if has_fixups { vec![rva_of(Import::Missing)] } else { Vec::new() };
                facts.bodies.push(CompiledBody { method: Some(id), fixups });
            }
        }
        for (id, method) in layout.methods_of(self.assembly) {
            if method.code.has_r2r_body() && method.signature.continuation {
                let stub = callers::resumption_stub(layout, types, id, rva_of);
                facts.resumption_stubs.push((id, image.next()));
                image.add(Role::ResumptionStub(id), stub);
                facts.bodies.push(CompiledBody::default());
            }
        }
    }

    fn emit_callers(
        &self,
        types: &mut Types,
        image: &mut Functions,
        rva_of: &dyn Fn(Import) -> Rva,
        facts: &mut ImageFacts,
    ) -> Vec<(SiteId, CallerCode)> {
        let compiler = CallerCompiler { layout: self.layout, compiler: self.compiler, rva_of };
        let mut callers = Vec::new();
        for (id, site) in self.layout.compiled_sites_of(self.assembly) {
            let function = image.next();
            let caller = compiler.compile(types, site, function);
            let frame_size = caller.frame_size;
            callers.push((id, CallerCode::Compiled { image: self.assembly, function, frame_size }));
            let fixups = self.fixups_of(&site.action).into_iter().map(rva_of).collect();
            facts.bodies.push(CompiledBody { method: None, fixups });
            image.add(Role::Caller(id), caller.code);
        }
        callers
    }

    /// The cells that the VM must resolve before the method that holds the site runs.
    fn fixups_of(&self, action: &Action) -> Vec<Import> {
        match *action {
            Action::Direct { callee, binding: Binding::Eager } => {
                vec![Import::MethodEntry(callee)]
            }
            Action::Ldftn(method) | Action::NewDelegate { method, .. } => {
                vec![pointer_import(self.layout, method)]
            }
            Action::PInvoke { callee, .. } => vec![Import::PInvokeTarget(callee)],
            Action::Direct { callee: _, binding: Binding::Lazy }
            | Action::Virtual { .. }
            | Action::ManagedCalli(_)
            | Action::UnmanagedCalli(_)
            | Action::Invoke(_)
            | Action::Ldvirtftn(_)
            | Action::Runtime { .. } => Vec::new(),
        }
    }

    fn emit_import_thunks(
        &self,
        types: &mut Types,
        image: &mut Functions,
        rva_of: &dyn Fn(Import) -> Rva,
        contents: &mut Contents,
    ) {
        let mut at = BTreeMap::new();
        for key in &self.import_thunks {
            at.insert(key.as_str(), image.next());
            let thunk = thunks::import_thunk(types, &raised(key), rva_of);
            image.add(Role::ImportThunk(key.clone()), thunk);
        }
        for (position, import) in contents.cells.iter().enumerate() {
            if let Some(callee) = import.lazy() {
                let signature = &self.layout.method(callee).signature;
                let key = lower(self.layout, signature, Shape::Managed).to_string();
                contents.import_thunks.push((position, at[key.as_str()]));
            }
        }
    }

    fn emit_string_thunks(
        &self,
        types: &mut Types,
        image: &mut Functions,
        rva_of: &dyn Fn(Import) -> Rva,
        contents: &mut Contents,
    ) {
        let mut add = |role, key: String, function| {
            contents.string_thunks.push((key, image.next()));
            image.add(role, function);
        };
        let helper = rva_of(Import::ThunkHelper(Helper::R2RToInterpreter));
        for key in &self.transitions {
            let lowered = &raised(key);
            let enter = thunks::InterpreterEntry::Cell(helper);
            let thunk =
                thunks::r2r_to_interpreter(self.layout, types, lowered, enter, self.compiler);
            add(Role::R2RToInterpreter(key.clone()), format!("I{key}"), thunk);
            let thunk = thunks::interpreter_to_r2r(self.layout, types, lowered, self.compiler);
            add(Role::InterpreterToR2R(key.clone()), format!("M{key}"), thunk);
        }
        for (key, lowered) in &self.virtual_thunks {
            let thunk = thunks::virtual_dispatch(types, lowered);
            add(Role::VirtualThunk(key.clone()), key.clone(), thunk);
        }
        for key in &self.closed_static_thunks {
            let thunk = thunks::closed_static(types, &raised(key));
            add(Role::ClosedStaticThunk(key.clone()), format!("D{key}"), thunk);
        }
    }
}

/// What crossgen2 makes a thunk from: its key, and nothing else.
fn raised(key: &str) -> Lowered {
    raise(key).expect("it was printed by a lowered signature")
}

/// The functions of a module, with what each is for.
#[derive(Default)]
struct Functions {
    list: IndexVec<FunctionId, Function>,
    roles: IndexVec<FunctionId, Role>,
}

impl Functions {
    /// The id that the next function gets.
    fn next(&self) -> FunctionId {
        self.list.next_id()
    }

    fn add(&mut self, role: Role, function: Function) {
        self.roles.push(role);
        self.list.push(function);
    }
}
