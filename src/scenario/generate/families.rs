//! Methods, and the classes that they are methods of.
//!
//! A family is what makes sense only together: a slot with its overrides, two
//! dynamic methods. Whatever it is, there is something that can be called.

use super::super::{
    AssemblyId, ClassId, ClassKind, Code, Convention, Form, Method, MethodId, ObjectClass,
    Signature, Slot, Type,
};
use super::fixup::make_unmanaged;
use super::layout::Builder;
use super::weights::{self, Family};

impl Builder<'_, '_, '_> {
    /// Adds families until there are enough methods.
    pub(super) fn families(&mut self) {
        let enough = self.dice.weighted(&weights::METHODS);
        while self.layout.methods.len() < enough {
            match self.dice.weighted(&weights::FAMILY) {
                Family::Static => self.static_method(),
                Family::Instance => self.instance_method(),
                Family::Virtual => {
                    let signature = self.signature(Convention::Managed).as_instance();
                    self.virtual_methods(signature, weights::OVERRIDDEN);
                }
                Family::Finalizer => {
                    let signature = Signature::default().as_instance();
                    self.virtual_methods(signature, 100);
                }
                Family::Interface => self.interface(),
                Family::UnmanagedCallersOnly => self.unmanaged_callers_only(),
                Family::PInvoke => self.pinvoke(),
                Family::FCall => self.fcall(),
                Family::StringConstructor => self.string_constructor(),
                Family::Generic => self.generic(),
                Family::Async => self.asynchronous(),
                Family::ClassConstructor => {
                    self.managed(Signature::default());
                }
                Family::DefaultConstructor => self.default_constructor(),
                Family::EntryPoint => self.entry_point(),
                Family::Dynamic => self.dynamic_methods(),
            }
        }
    }

    /// Adds a method and names it.
    fn add(&mut self, method: Method) -> MethodId {
        let number = self.layout.methods.len();
        self.layout.methods.push(Method { name: format!("M{number}"), ..method })
    }

    /// An ordinary managed method, not made yet.
    fn ordinary(&mut self, signature: Signature) -> Method {
        let (assembly, code) = (self.any_assembly(), self.dice.weighted(&weights::CODE));
        Method { assembly, code, signature, ..Method::default() }
    }

    fn managed(&mut self, signature: Signature) -> MethodId {
        let method = self.ordinary(signature);
        self.add(method)
    }

    fn static_method(&mut self) {
        let signature = self.signature(Convention::Managed);
        self.managed(signature);
    }

    fn instance_method(&mut self) {
        let signature = self.signature(Convention::Managed).as_instance();
        self.of_some_class(signature);
    }

    /// An instance method that is not virtual, of a class or of none of the scenario's.
    fn of_some_class(&mut self, signature: Signature) {
        let mut method = self.ordinary(signature);
        if !self.dice.rarely(weights::CLASSLESS) {
            let kind = self.dice.weighted(&weights::IMPLEMENTATION);
            if let Some(class) = self.some_class(kind) {
                method.assembly = self.layout.class(class).assembly;
                method.class = Some(class);
            }
        }
        self.add(method);
    }

    fn unmanaged_callers_only(&mut self) {
        let mut method = self.ordinary(Signature::default());
        method.convention = Convention::UnmanagedCallersOnly;
        method.signature = self.unmanaged_signature(method.convention);
        let entered = matches!(method.code, Code::ReadyToRun | Code::Both);
        method.reverse_thunk = !entered || self.dice.percent(weights::REVERSE_THUNK);
        if !self.dice.rarely(weights::NAMESAKE) {
            self.add(method);
            return;
        }
        for _ in 0..2 {
            method.symbol = Some(self.namesake());
            self.add(method.clone());
            method.code = self.dice.weighted(&weights::CODE);
            method.reverse_thunk = true;
        }
    }

    /// A name in metadata. With the same arity, most of these have one reverse-thunk key:
    /// it says nothing of the type around a nested one.
    fn namesake(&mut self) -> String {
        let number = self.layout.methods.len();
        match self.dice.percent(weights::NESTED) {
            true => format!("N.Outer{number}+Inner.Callback"),
            false => format!("N.N{number}.Inner.Callback"),
        }
    }

    fn unmanaged_signature(&mut self, convention: Convention) -> Signature {
        let mut signature = self.signature(convention);
        make_unmanaged(&self.layout, &mut signature);
        signature
    }

    fn pinvoke(&mut self) {
        let mut method = self.ordinary(Signature::default());
        method.signature = self.unmanaged_signature(Convention::PInvoke);
        (method.convention, method.code) = (Convention::PInvoke, Code::Native);
        self.add(method);
    }

    fn fcall(&mut self) {
        let mut signature = self.signature(Convention::Managed);
        signature.instance = self.dice.rarely(30);
        let mut method = self.ordinary(signature);
        method.code = Code::Native;
        self.add(method);
    }

    fn string_constructor(&mut self) {
        let mut signature = self.signature(Convention::Managed);
        signature.ret = Some(Type::Object);
        let mut method = self.ordinary(signature);
        method.form = Form::StringConstructor;
        self.add(method);
    }

    fn generic(&mut self) {
        let mut signature = self.signature(Convention::Managed);
        signature.context = true;
        if self.dice.rarely(weights::GENERIC_INSTANCE) {
            self.of_some_class(signature.as_instance());
        } else {
            self.managed(signature);
        }
    }

    fn asynchronous(&mut self) {
        let mut signature = self.signature(Convention::Managed);
        signature.continuation = true;
        if self.dice.percent(weights::RESUMABLE) {
            signature.params.clear();
        } else {
            signature.context = self.dice.rarely(weights::ASYNC_HIDDEN);
            signature.instance = self.dice.rarely(weights::ASYNC_HIDDEN);
        }
        self.managed(signature);
    }

    fn default_constructor(&mut self) {
        self.of_some_class(Signature::default().as_instance());
    }

    fn entry_point(&mut self) {
        let arguments = self.dice.percent(weights::MAIN_ARGUMENTS);
        let result = self.dice.percent(weights::MAIN_ARGUMENTS);
        let params = if arguments { vec![Type::Object] } else { Vec::new() };
        self.managed(Signature {
            params,
            ret: result.then_some(Type::I32),
            ..Signature::default()
        });
    }

    /// Two, so that one can become the other.
    fn dynamic_methods(&mut self) {
        let first = self.signature(Convention::Managed);
        let second =
            if self.dice.percent(60) { first.clone() } else { self.signature(Convention::Managed) };
        for signature in [first, second] {
            let mut method = self.ordinary(signature);
            (method.form, method.code) = (Form::Dynamic, Code::Interpreted);
            self.add(method);
        }
    }

    /// A virtual method, and overrides below its class.
    fn virtual_methods(&mut self, signature: Signature, overridden: u32) {
        let Some(base) = self.some_class(ClassKind::Class) else { return self.static_method() };
        let first = self.slot_method(base, Slot::Virtual, signature);
        if !self.dice.percent(overridden) {
            return;
        }
        let Some(derived) = self.class_below(base) else { return };
        self.override_in(derived, first);
        if self.dice.rarely(weights::OVERRIDDEN_AGAIN)
            && let Some(last) = self.new_class(ClassKind::Class, Some(derived))
        {
            self.override_in(last, first);
        } else if self.dice.rarely(weights::HEIR) {
            self.new_class(ClassKind::Class, Some(derived));
        }
    }

    /// A method of an interface, and what implements it.
    fn interface(&mut self) {
        let classes = self.layout.classes.len();
        let room = classes + 2 <= weights::MAX_CLASSES;
        let Some(interface) = self.some_class(ClassKind::Interface).filter(|_| room) else {
            return self.static_method();
        };
        let signature = self.signature(Convention::Managed).as_instance();
        let first = self.slot_method(interface, Slot::Virtual, signature);
        let kind = self.dice.weighted(&weights::IMPLEMENTATION);
        let Some(class) = self.some_class(kind) else { return };
        self.override_in(class, first);
        if self.dice.rarely(weights::SECOND_IMPLEMENTATION)
            && let Some(other) = self.new_class(self.other(kind), None)
        {
            self.override_in(other, first);
        } else if kind == ClassKind::Class && self.dice.rarely(weights::HEIR) {
            self.new_class(ClassKind::Class, Some(class));
        }
    }

    fn other(&self, kind: ClassKind) -> ClassKind {
        if kind == ClassKind::Struct { ClassKind::Class } else { ClassKind::Struct }
    }

    fn override_in(&mut self, class: ClassId, first: MethodId) {
        let signature = self.layout.method(first).signature.clone();
        self.slot_method(class, Slot::Overrides(first), signature);
    }

    fn slot_method(&mut self, class: ClassId, slot: Slot, signature: Signature) -> MethodId {
        let mut method = self.ordinary(signature);
        method.assembly = self.layout.class(class).assembly;
        (method.class, method.slot) = (Some(class), slot);
        self.add(method)
    }

    /// A class of this kind: one that is there, or a new one.
    fn some_class(&mut self, kind: ClassKind) -> Option<ClassId> {
        let wanted = self.dice.rarely(weights::KNOWN_CLASS);
        let known = self.layout.classes.ids().rfind(|&id| self.layout.class(id).kind == kind);
        match known.filter(|_| wanted) {
            Some(known) => Some(known),
            None => self.new_class(kind, None).or(known),
        }
    }

    /// A class that extends this one, at any distance.
    fn class_below(&mut self, base: ClassId) -> Option<ClassId> {
        let wanted = self.dice.rarely(weights::KNOWN_CLASS);
        let below = |&id: &ClassId| self.layout.ancestry(id).skip(1).any(|above| above == base);
        let known = self.layout.classes.ids().rfind(below);
        match known.filter(|_| wanted) {
            Some(known) => Some(known),
            None => self.new_class(ClassKind::Class, Some(base)).or(known),
        }
    }

    /// A new class, in an assembly of its base's or a later one.
    fn new_class(&mut self, kind: ClassKind, base: Option<ClassId>) -> Option<ClassId> {
        let number = self.layout.classes.len();
        if number >= weights::MAX_CLASSES {
            return None;
        }
        let first = base.map_or(0, |base| self.layout.class(base).assembly.into());
        let last = self.layout.assemblies.len();
        let assembly = AssemblyId::from(first + self.dice.below(last - first));
        let name = format!("C{number}");
        Some(self.layout.classes.push(ObjectClass { name, assembly, base, kind }))
    }
}
