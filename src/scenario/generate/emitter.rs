//! Writes scripts that are valid at every step, for the generator and the repairer.

use super::super::validate::{assembly_of, fits, site_signature};
use super::super::{
    Action, AssemblyId, Call, Event, Layout, MAX_ITEMS, MethodId, Site, SiteId, VariableId, meaning,
};

/// A script under construction. What an event needs (a load, a pointer) is
/// put before it; an event that cannot be made valid is left out.
pub(super) struct Emitter<'l> {
    layout: &'l Layout,
    /// The most events.
    most: usize,
    loaded: Vec<bool>,
    /// The method that each variable points to.
    holds: Vec<MethodId>,
    names: Vec<String>,
    script: Vec<Event>,
}

impl<'l> Emitter<'l> {
    pub(super) fn new(layout: &'l Layout, most: usize) -> Self {
        Emitter {
            layout,
            most,
            loaded: vec![false; layout.assemblies.len()],
            holds: Vec::new(),
            names: Vec::new(),
            script: Vec::new(),
        }
    }

    /// Names of the variables, and the events.
    pub(super) fn finish(self) -> (Vec<String>, Vec<Event>) {
        (self.names, self.script)
    }

    pub(super) fn is_full(&self) -> bool {
        self.script.len() >= self.most
    }

    pub(super) fn variables(&self) -> usize {
        self.holds.len()
    }

    /// Loads an assembly, once.
    pub(super) fn load(&mut self, id: AssemblyId) {
        if !self.is_full() && !self.loaded[id.index()] {
            self.loaded[id.index()] = true;
            self.script.push(Event::Load(id));
        }
    }

    pub(super) fn prepare(&mut self, id: MethodId) {
        self.emit(&[Some(self.layout.method(id).assembly)], Event::Prepare(id));
    }

    pub(super) fn touch(&mut self, id: MethodId) {
        self.emit(&[Some(self.layout.method(id).assembly)], Event::Touch(id));
    }

    /// Takes a pointer into an existing variable, or into a new one with a
    /// name that `name` would like to be.
    pub(super) fn take(
        &mut self,
        id: SiteId,
        into: Option<VariableId>,
        name: Option<&str>,
    ) -> Option<VariableId> {
        let site = self.layout.site(id);
        let Action::Ldftn(method) = site.action else { return None };
        let known = into.filter(|variable| variable.index() < self.holds.len());
        let last = VariableId((MAX_ITEMS - 1) as u16);
        let next = VariableId(self.holds.len() as u16).min(last);
        let into = known.unwrap_or(next);
        let needs = [assembly_of(site), Some(self.layout.method(method).assembly)];
        if !self.emit(&needs, Event::Take { site: id, into }) {
            return None;
        }
        if into.index() == self.holds.len() {
            self.names.push(self.new_name(name));
            self.holds.push(method);
        }
        self.holds[into.index()] = method;
        Some(into)
    }

    fn new_name(&self, wish: Option<&str>) -> String {
        let free = |name: &str| self.names.iter().all(|taken| taken != name);
        if let Some(wish) = wish.filter(|wish| free(wish)) {
            return wish.to_owned();
        }
        let mut number = self.names.len();
        while !free(&format!("p{number}")) {
            number += 1;
        }
        format!("p{number}")
    }

    /// Calls a site, through the wished pointer if that fits. `this` and
    /// `words` are used as far as the signature wants them.
    pub(super) fn call(
        &mut self,
        id: SiteId,
        wish: Option<VariableId>,
        this: u32,
        words: impl Fn(usize) -> u64,
    ) {
        let layout = self.layout;
        let site = layout.site(id);
        let Some(signature) = site_signature(layout, site) else { return };
        let (pointer, callee) = match site.action {
            Action::Direct { callee, .. } => (None, callee),
            _ => {
                let Some(pointer) = self.pointer(&site.action, wish) else { return };
                (Some(pointer), self.holds[pointer.index()])
            }
        };
        let args = signature
            .params
            .iter()
            .enumerate()
            .map(|(i, &ty)| meaning::normalise(layout, ty, words(i)))
            .collect();
        let this = signature.instance.then_some(this);
        let needs = [assembly_of(site), Some(layout.method(callee).assembly)];
        self.emit(&needs, Event::Call(Call { site: id, pointer, this, args }));
    }

    /// A variable whose pointer may be called there; one is taken if there is none.
    fn pointer(&mut self, action: &Action, wish: Option<VariableId>) -> Option<VariableId> {
        let layout = self.layout;
        let good = |method: MethodId| fits(layout, action, method);
        if let Some(wish) = wish
            && self.holds.get(wish.index()).is_some_and(|&method| good(method))
        {
            return Some(wish);
        }
        if let Some(i) = self.holds.iter().rposition(|&method| good(method)) {
            return Some(VariableId(i as u16));
        }
        let takes = |site: &Site| matches!(site.action, Action::Ldftn(m) if good(m));
        let site = layout.sites.iter().position(takes)?;
        self.take(SiteId(site as u16), None, None)
    }

    /// Appends the loads that are missing and the event, all or nothing.
    fn emit(&mut self, needs: &[Option<AssemblyId>], event: Event) -> bool {
        let mut loads: Vec<AssemblyId> = Vec::new();
        for &id in needs.iter().flatten() {
            if !self.loaded[id.index()] && !loads.contains(&id) {
                loads.push(id);
            }
        }
        if self.script.len() + loads.len() + 1 > self.most {
            return false;
        }
        for id in loads {
            self.load(id);
        }
        self.script.push(event);
        true
    }
}
