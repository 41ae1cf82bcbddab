//! Call sites: for each method, some of the ways in which it can be reached.

use super::super::validate::holds_object;
use super::super::{
    Action, AssemblyId, Binding, Caller, ClassKind, Code, Convention, Dispatch, Form, Method,
    MethodId, RuntimePath, Site, Slot, Type,
};
use super::layout::Builder;
use super::weights::{self, By, Way};

impl Builder<'_, '_, '_> {
    /// Adds the sites of every method.
    pub(super) fn sites(&mut self) {
        for i in 0..self.layout.methods.len() {
            let id = MethodId(i as u16);
            let own = own_path(self.layout.method(id));
            let mut more = true;
            if let Some(path) = own.filter(|_| self.dice.percent(weights::OWN_PATH)) {
                self.reach(id, Way::Runtime(path));
                more = self.dice.rarely(weights::ANOTHER_WAY);
            }
            while more {
                let way = self.dice.weighted(ways(self.layout.method(id)));
                self.reach(id, way);
                more = self.dice.rarely(weights::ANOTHER_WAY);
            }
        }
    }

    /// Adds the sites that one way of reaching a method needs.
    fn reach(&mut self, id: MethodId, way: Way) {
        let method = self.layout.method(id);
        match way {
            Way::Direct => self.direct(id),
            Way::Virtual => self.through_slot(id),
            Way::Pointer if method.convention == Convention::UnmanagedCallersOnly => {
                let call = Action::UnmanagedCalli(method.signature.clone());
                debug_assert!(
                    !method.signature.params.iter().any(|&p| holds_object(&self.layout, p))
                );
                self.by_managed(id, Action::Ldftn(id));
                self.add_site(id, &weights::UNMANAGED_BY, call);
            }
            Way::Pointer => self.by_pointer(id, Action::Ldftn(id)),
            Way::VirtualPointer => self.by_pointer(id, Action::Ldvirtftn(id)),
            Way::Closed => self.by_delegate(id, closable(method)),
            Way::Open => self.by_delegate(id, false),
            Way::PInvoke => {
                let suppress_gc_transition = self.dice.rarely(weights::SUPPRESS_TRANSITION);
                self.by_managed(id, Action::PInvoke { callee: id, suppress_gc_transition });
            }
            Way::Runtime(path) if can_run(path, method) => {
                let action = Action::Runtime { path, callee: id };
                self.add_site(id, &[(By::Native, 1)], action);
            }
            // What nothing but a direct call or a pointer reaches.
            Way::Runtime(_) if method.convention == Convention::UnmanagedCallersOnly => {
                self.reach(id, Way::Pointer);
            }
            Way::Runtime(_) => self.direct(id),
        }
    }

    fn direct(&mut self, callee: MethodId) {
        let eager = self.dice.rarely(weights::EAGER);
        let binding = if eager { Binding::Eager } else { Binding::Lazy };
        self.by_managed(callee, Action::Direct { callee, binding });
    }

    fn through_slot(&mut self, method: MethodId) {
        let class = self.layout.method(method).class;
        let kind = class.map(|class| self.layout.class(class).kind);
        let dispatch = match kind {
            Some(ClassKind::Interface) => Dispatch::ImportThunk,
            _ => self.dice.weighted(&weights::DISPATCH),
        };
        self.by_managed(method, Action::Virtual { method, dispatch });
    }

    fn by_pointer(&mut self, id: MethodId, take: Action) {
        let call = Action::ManagedCalli(self.layout.pointer_signature(id));
        self.by_managed(id, take);
        self.by_managed(id, call);
    }

    fn by_delegate(&mut self, method: MethodId, closed: bool) {
        let call = Action::Invoke(self.layout.invoke_signature(method, closed));
        self.by_managed(method, Action::NewDelegate { method, closed });
        self.by_managed(method, call);
    }

    fn by_managed(&mut self, method: MethodId, action: Action) {
        let dynamic = self.layout.method(method).form == Form::Dynamic;
        // No image knows a dynamic method.
        let named = !matches!(action, Action::ManagedCalli(_));
        let by: &[(By, u32)] =
            if dynamic && named { &[(By::Interpreter, 1)] } else { &weights::MANAGED_BY };
        self.add_site(method, by, action);
    }

    /// Adds a site unless there is one like it, or no room.
    fn add_site(&mut self, method: MethodId, callers: &[(By, u32)], action: Action) {
        let caller = match self.dice.weighted(callers) {
            By::ReadyToRun => Caller::ReadyToRun(self.home(method)),
            By::Interpreter => Caller::Interpreter(self.home(method)),
            By::Native => Caller::Native,
        };
        let sites = &mut self.layout.sites;
        let alike = |site: &Site| site.caller == caller && site.action == action;
        if sites.len() < weights::MAX_SITES && !sites.iter().any(alike) {
            let name = format!("{}{}", kind_name(&action, caller), sites.len());
            sites.push(Site { name, caller, action });
        }
    }

    /// Where a site that has to do with the method stands.
    fn home(&mut self, method: MethodId) -> AssemblyId {
        match self.dice.percent(weights::SAME_ASSEMBLY) {
            true => self.layout.method(method).assembly,
            false => self.any_assembly(),
        }
    }
}

/// How often each way of reaching a method of this kind.
fn ways(method: &Method) -> &'static [(Way, u32)] {
    match method.convention {
        Convention::UnmanagedCallersOnly => return &weights::UCO,
        Convention::PInvoke => return &weights::PINVOKE,
        Convention::Managed => {}
    }
    match (method.form, method.slot) {
        (Form::StringConstructor, _) => &[(Way::Direct, 1)],
        (Form::Dynamic, _) => &weights::DYNAMIC,
        _ if method.signature.continuation => &weights::ASYNC,
        (_, Slot::Virtual) => &weights::SLOT,
        _ if method.signature.instance => &weights::INSTANCE,
        _ if closable(method) => &weights::CLOSABLE,
        _ => &weights::STATIC,
    }
}

/// A delegate can be bound to the method's first argument.
fn closable(method: &Method) -> bool {
    method.signature.instance || method.signature.params.first() == Some(&Type::Object)
}

/// What the runtime does with a method of this signature, and with no other.
fn own_path(method: &Method) -> Option<RuntimePath> {
    const PATHS: [RuntimePath; 4] = [
        RuntimePath::ClassConstructor,
        RuntimePath::DefaultConstructor,
        RuntimePath::EntryPoint,
        RuntimePath::Finalizer,
    ];
    PATHS.into_iter().find(|&path| can_run(path, method))
}

/// The runtime can run the method for this reason.
fn can_run(path: RuntimePath, method: &Method) -> bool {
    let signature = &method.signature;
    let plain = method.convention == Convention::Managed
        && method.form == Form::Ordinary
        && !signature.continuation;
    let nullary = plain
        && method.code != Code::Native
        && !signature.context
        && signature.params.is_empty()
        && signature.ret.is_none();
    match path {
        RuntimePath::Reflection => plain,
        RuntimePath::ClassConstructor => nullary && !signature.instance,
        RuntimePath::DefaultConstructor => {
            nullary && signature.instance && method.slot == Slot::None
        }
        RuntimePath::EntryPoint => {
            plain
                && !signature.context
                && !signature.instance
                && matches!(signature.params.as_slice(), [] | [Type::Object])
                && signature.ret.is_none_or(|ty| ty == Type::I32)
        }
        RuntimePath::Finalizer => nullary && method.slot == Slot::Virtual,
        RuntimePath::Export => method.reverse_thunk,
        RuntimePath::Resume => {
            signature.continuation
                && !signature.instance
                && !signature.context
                && signature.params.is_empty()
        }
    }
}

fn kind_name(action: &Action, caller: Caller) -> &'static str {
    match action {
        Action::Direct { .. } => "Direct",
        Action::Virtual { .. } => "Virtual",
        Action::ManagedCalli(_) => "Calli",
        Action::UnmanagedCalli(_) if caller == Caller::Native => "Native",
        Action::UnmanagedCalli(_) => "Unmanaged",
        Action::Invoke(_) => "Invoke",
        Action::PInvoke { .. } => "PInvoke",
        Action::Ldftn(_) => "Ldftn",
        Action::Ldvirtftn(_) => "Ldvirtftn",
        Action::NewDelegate { .. } => "Delegate",
        Action::Runtime { .. } => "Runtime",
    }
}
