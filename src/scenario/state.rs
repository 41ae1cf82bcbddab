//! What a script has done so far, and what it may do next.
//!
//! Validation turns what is refused into a message; who writes scripts leaves it out.

use super::targets::Held;
use super::{AssemblyId, ClassId, Convention, Form, Layout, MethodId, VariableId};
use crate::index::IndexVec;

/// The state of a program between two events of its script.
#[derive(Debug)]
pub(crate) struct State<'l> {
    layout: &'l Layout,
    loaded: IndexVec<AssemblyId, bool>,
    /// What each variable holds, in the order of their first takes.
    holds: IndexVec<VariableId, Held>,
    /// Methods that an event has named or reached.
    used: IndexVec<MethodId, bool>,
    /// Dynamic methods whose MethodDesc is another's by now.
    dead: IndexVec<MethodId, bool>,
}

/// Why an event may not happen now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The method's MethodDesc is another's.
    Dead,
    /// A reset of a dynamic method, which is recycled instead.
    ResetOfDynamic,
    /// A reset of a method that native code knows.
    ResetOfUnmanaged,
    /// What is recycled is no dynamic method.
    RecycledIsNotDynamic,
    /// What it is recycled as is no dynamic method.
    SuccessorIsNotDynamic,
    /// What it is recycled as is in use.
    SuccessorIsUsed,
}

impl<'l> State<'l> {
    /// Before the script's first event.
    pub(crate) fn new(layout: &'l Layout) -> Self {
        State {
            layout,
            loaded: layout.assemblies.map(|_| false),
            holds: IndexVec::default(),
            used: layout.methods.map(|_| false),
            dead: layout.methods.map(|_| false),
        }
    }

    /// The assembly has been loaded.
    pub(crate) fn is_loaded(&self, id: AssemblyId) -> bool {
        self.loaded[id]
    }

    /// The assembly is loaded; those that [`bases`] are in come first.
    pub(crate) fn load(&mut self, id: AssemblyId) {
        self.loaded[id] = true;
    }

    /// The variable's value, if it has one by now.
    pub(crate) fn held(&self, variable: VariableId) -> Option<Held> {
        self.holds.get(variable).copied()
    }

    /// The values of all variables that have one, in their order.
    pub(crate) fn holds(&self) -> &IndexVec<VariableId, Held> {
        &self.holds
    }

    /// A variable gets a value: one that has one, or the next.
    pub(crate) fn hold(&mut self, variable: VariableId, held: Held) {
        if variable == self.holds.next_id() {
            self.holds.push(held);
        }
        self.holds[variable] = held;
    }

    /// Something is done with the method.
    pub(crate) fn use_method(&mut self, id: MethodId) {
        self.used[id] = true;
    }

    /// One dynamic method becomes the other.
    pub(crate) fn recycle(&mut self, from: MethodId, to: MethodId) {
        self.use_method(from);
        self.use_method(to);
        self.dead[from] = true;
    }

    /// Something may be done with the method.
    pub(crate) fn may_use(&self, id: MethodId) -> Result<(), Refusal> {
        if self.dead[id] { Err(Refusal::Dead) } else { Ok(()) }
    }

    /// The method's entry point may be reset.
    pub(crate) fn may_reset(&self, id: MethodId) -> Result<(), Refusal> {
        self.may_use(id)?;
        let method = self.layout.method(id);
        match (method.form, method.convention) {
            (Form::Dynamic, _) => Err(Refusal::ResetOfDynamic),
            (Form::Ordinary | Form::StringConstructor, Convention::Managed) => Ok(()),
            (
                Form::Ordinary | Form::StringConstructor,
                Convention::UnmanagedCallersOnly | Convention::PInvoke,
            ) => Err(Refusal::ResetOfUnmanaged),
        }
    }

    /// The one dynamic method may become the other. Neither need exist.
    pub(crate) fn may_recycle(&self, from: MethodId, to: MethodId) -> Result<(), Refusal> {
        let dynamic =
            |id: MethodId| self.layout.methods.get(id).is_some_and(|m| m.form == Form::Dynamic);
        if !dynamic(from) {
            return Err(Refusal::RecycledIsNotDynamic);
        }
        if !dynamic(to) {
            return Err(Refusal::SuccessorIsNotDynamic);
        }
        if from == to || self.used[to] {
            return Err(Refusal::SuccessorIsUsed);
        }
        self.may_use(from)
    }
}

/// The classes that an assembly's classes extend. Their assemblies are loaded before it, but for
/// itself.
pub(crate) fn bases(layout: &Layout, id: AssemblyId) -> impl Iterator<Item = ClassId> {
    layout.classes.iter().filter(move |class| class.assembly == id).filter_map(|class| class.base)
}

#[cfg(test)]
mod tests {
    use super::super::{Code, Method};
    use super::*;

    const ORDINARY: MethodId = MethodId(0);
    const UCO: MethodId = MethodId(1);
    const DYNAMIC: [MethodId; 3] = [MethodId(2), MethodId(3), MethodId(4)];

    fn layout() -> Layout {
        let uco = Method { convention: Convention::UnmanagedCallersOnly, ..Method::default() };
        let dynamic = Method { form: Form::Dynamic, code: Code::Interpreted, ..Method::default() };
        let methods = vec![Method::default(), uco, dynamic.clone(), dynamic.clone(), dynamic];
        Layout { methods: methods.into(), ..Layout::default() }
    }

    #[test]
    fn managed_methods_that_stay_are_reset() {
        let layout = layout();
        let state = State::new(&layout);
        assert_eq!(state.may_reset(ORDINARY), Ok(()));
        assert_eq!(state.may_reset(UCO), Err(Refusal::ResetOfUnmanaged));
        assert_eq!(state.may_reset(DYNAMIC[0]), Err(Refusal::ResetOfDynamic));
    }

    #[test]
    fn a_dynamic_method_becomes_another_that_is_unused() {
        let layout = layout();
        let mut state = State::new(&layout);
        let [one, two, three] = DYNAMIC;
        assert_eq!(state.may_recycle(ORDINARY, one), Err(Refusal::RecycledIsNotDynamic));
        assert_eq!(state.may_recycle(one, MethodId(99)), Err(Refusal::SuccessorIsNotDynamic));
        assert_eq!(state.may_recycle(one, one), Err(Refusal::SuccessorIsUsed));
        assert_eq!(state.may_recycle(one, two), Ok(()));
        state.recycle(one, two);
        assert_eq!(state.may_use(one), Err(Refusal::Dead));
        assert_eq!(state.may_reset(one), Err(Refusal::Dead));
        assert_eq!(state.may_recycle(one, three), Err(Refusal::Dead));
        assert_eq!(state.may_recycle(three, two), Err(Refusal::SuccessorIsUsed));
        assert_eq!(state.may_recycle(two, three), Ok(()));
    }
}
