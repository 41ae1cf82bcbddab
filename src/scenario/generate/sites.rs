//! Call sites: for each method, some of the ways in which it can be reached.

#![deny(clippy::wildcard_enum_match_arm)]

use super::super::validate::holds_object;
use super::super::{
    Action, ActionKind, AssemblyId, Binding, Caller, CallerKind, ClassKind, Code, Convention,
    Dispatch, Form, Method, MethodId, RuntimePath, Site, Slot, rules,
};
use super::layout::Builder;
use super::weights::{self, Way};

impl Builder<'_, '_, '_> {
    /// Adds the sites of every method.
    pub(super) fn sites(&mut self) {
        for id in self.layout.methods.ids() {
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
            Way::Closed => self.by_delegate(id, method.is_closable()),
            Way::Open => self.by_delegate(id, false),
            Way::PInvoke => {
                let suppress_gc_transition = self.dice.rarely(weights::SUPPRESS_TRANSITION);
                self.by_managed(id, Action::PInvoke { callee: id, suppress_gc_transition });
            }
            Way::Runtime(path) if can_run(path, method) => {
                let action = Action::Runtime { path, callee: id };
                self.add_site(id, &[(CallerKind::Native, 1)], action);
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
        // No image knows a dynamic method; what calls a pointer need not know the method.
        let named = action.named().is_some();
        let by: &[(CallerKind, u32)] =
            if dynamic && named { &[(CallerKind::Interpreter, 1)] } else { &weights::MANAGED_BY };
        self.add_site(method, by, action);
    }

    /// Adds a site unless there is one like it, or no room.
    fn add_site(&mut self, method: MethodId, callers: &[(CallerKind, u32)], action: Action) {
        let caller = match self.dice.weighted(callers) {
            CallerKind::Native => Caller::Native,
            kind @ (CallerKind::ReadyToRun | CallerKind::Interpreter) => {
                kind.in_assembly(self.home(method))
            }
        };
        let sites = &mut self.layout.sites;
        let alike = |site: &Site| site.caller == caller && site.action == action;
        if sites.len() < weights::MAX_SITES && !sites.iter().any(alike) {
            let name = format!("{}{}", label(&action, caller), sites.len());
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
        _ if method.is_closable() => &weights::CLOSABLE,
        _ => &weights::STATIC,
    }
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

/// The runtime can run the method for this reason, and a generated program has it do so.
fn can_run(path: RuntimePath, method: &Method) -> bool {
    rules::runtime(path, method).is_ok() && !is_left_out(path, method)
}

/// What the generator makes no site for, though it would be valid: an FCall that is run as a
/// constructor or a finalizer. That is a choice of the generator's, which its random streams depend
/// on, and no rule: no such FCall is known, and mutation makes these sites all the same.
fn is_left_out(path: RuntimePath, method: &Method) -> bool {
    match path {
        RuntimePath::ClassConstructor
        | RuntimePath::DefaultConstructor
        | RuntimePath::Finalizer => method.code == Code::Native,
        RuntimePath::Reflection
        | RuntimePath::EntryPoint
        | RuntimePath::Export
        | RuntimePath::Resume => false,
    }
}

/// What the name of a site starts with.
fn label(action: &Action, caller: Caller) -> &'static str {
    match (action.parts().kind, caller) {
        (ActionKind::UnmanagedCalli, Caller::Native) => "Native",
        (kind, _) => kind.label(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Layout, Signature, Type};
    use super::*;

    /// Methods with every combination of what the rules look at, valid or not.
    fn methods() -> Vec<Method> {
        let mut methods = vec![Method::default()];
        let mut vary = |changes: &[&dyn Fn(&mut Method)]| {
            let varied = methods.iter().flat_map(|method| {
                changes.iter().map(|change| {
                    let mut method = method.clone();
                    change(&mut method);
                    method
                })
            });
            methods = varied.collect();
        };
        vary(&[
            &|m| m.convention = Convention::Managed,
            &|m| m.convention = Convention::UnmanagedCallersOnly,
            &|m| m.convention = Convention::PInvoke,
        ]);
        vary(&[&|m| m.form = Form::Ordinary, &|m| m.form = Form::StringConstructor, &|m| {
            m.form = Form::Dynamic
        }]);
        vary(&[
            &|m| m.code = Code::ReadyToRun,
            &|m| m.code = Code::Interpreted,
            &|m| m.code = Code::Both,
            &|m| m.code = Code::Rejected,
            &|m| m.code = Code::Native,
        ]);
        vary(&[&|m| m.slot = Slot::None, &|m| m.slot = Slot::Virtual, &|m| {
            m.slot = Slot::Overrides(MethodId(0))
        }]);
        vary(&[&|_| {}, &|m| m.reverse_thunk = true]);
        vary(&[&|_| {}, &|m| m.signature.instance = true]);
        vary(&[&|_| {}, &|m| m.signature.context = true]);
        vary(&[&|_| {}, &|m| m.signature.continuation = true]);
        vary(&[&|_| {}, &|m| m.signature.ret = Some(Type::I32), &|m| {
            m.signature.ret = Some(Type::Object)
        }]);
        vary(&[
            &|_| {},
            &|m| m.signature.params = vec![Type::Object],
            &|m| m.signature.params = vec![Type::I32],
            &|m| m.signature.params = vec![Type::Object, Type::Object],
        ]);
        methods
    }

    #[test]
    fn the_runtime_runs_what_is_valid_but_for_fcalls_that_construct_or_finalize() {
        let layout = Layout::default();
        let (mut run, mut left_out) = (0, 0);
        for method in methods() {
            for path in RuntimePath::ALL {
                let action = Action::Runtime { path, callee: MethodId(0) };
                let valid = rules::action(&layout, &action, &method).is_ok();
                let fcall = method.code == Code::Native
                    && [
                        RuntimePath::ClassConstructor,
                        RuntimePath::DefaultConstructor,
                        RuntimePath::Finalizer,
                    ]
                    .contains(&path);
                assert_eq!(can_run(path, &method), valid && !fcall, "{path:?} {method:?}");
                run += usize::from(valid);
                left_out += usize::from(valid && fcall);
            }
        }
        assert!(run > 1000 && left_out > 0, "{run} and {left_out}");
    }

    #[test]
    fn what_runs_a_method_in_one_way_alone_is_found() {
        let own =
            |signature: Signature, slot| own_path(&Method { signature, slot, ..Method::default() });
        let plain = Signature::default();
        let instance = plain.as_instance();
        assert_eq!(own(plain.clone(), Slot::None), Some(RuntimePath::ClassConstructor));
        assert_eq!(own(instance.clone(), Slot::None), Some(RuntimePath::DefaultConstructor));
        assert_eq!(own(instance, Slot::Virtual), Some(RuntimePath::Finalizer));
        let main = Signature { ret: Some(Type::I32), ..plain };
        assert_eq!(own(main, Slot::None), Some(RuntimePath::EntryPoint));
    }
}
