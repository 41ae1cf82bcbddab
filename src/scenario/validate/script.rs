//! Rules for what happens, and which method each call means.

use super::super::text::spell;
use super::super::{
    Action, AssemblyId, Call, Caller, Convention, Event, Layout, MAX_EVENTS, MethodId, Scenario,
    Signature, Site, SiteId, VariableId, meaning,
};
use super::layout::check_names;
use super::names::show;
use super::{Part, Place, Problem, limit};

type Checked = Result<(), Problem>;

/// The method that each event calls, in the scenario's own meaning: the callee
/// of a direct call, or the method whose address the variable was last given.
/// `None` for an event that calls nothing.
pub fn callees(scenario: &Scenario) -> Vec<Option<MethodId>> {
    let layout = &scenario.layout;
    let mut holds = vec![None; scenario.variables.len()];
    let step = |event: &Event| match event {
        Event::Take { site, into } => {
            if let (Some(Site { action: Action::Ldftn(method), .. }), Some(held)) =
                (layout.sites.get(site.index()), holds.get_mut(into.index()))
            {
                *held = Some(*method);
            }
            None
        }
        Event::Call(call) => match layout.sites.get(call.site.index())?.action {
            Action::Direct { callee, .. } => Some(callee),
            Action::ManagedCalli(_) | Action::UnmanagedCalli(_) => {
                holds.get(call.pointer?.index()).copied().flatten()
            }
            Action::Ldftn(_) => None,
        },
        Event::Load(_) | Event::Prepare(_) | Event::Touch(_) => None,
    };
    scenario.script.iter().map(step).collect()
}

/// What [`callees`] says of one event. It walks the script up to there, so
/// call [`callees`] once to learn about many.
pub fn callee(scenario: &Scenario, event: usize) -> Option<MethodId> {
    callees(scenario).get(event).copied().flatten()
}

/// The assembly whose image or byte code holds the site; `None` for native code.
pub(crate) fn assembly_of(site: &Site) -> Option<AssemblyId> {
    match site.caller {
        Caller::ReadyToRun(assembly) | Caller::Interpreter(assembly) => Some(assembly),
        Caller::Native => None,
    }
}

/// The signature that a site calls with; `None` for an `ldftn`.
pub(crate) fn site_signature<'l>(layout: &'l Layout, site: &'l Site) -> Option<&'l Signature> {
    match &site.action {
        Action::ManagedCalli(signature) | Action::UnmanagedCalli(signature) => Some(signature),
        Action::Direct { callee, .. } => layout.methods.get(callee.index()).map(|m| &m.signature),
        Action::Ldftn(_) => None,
    }
}

/// A pointer to the method may be called at a site that does this.
pub(crate) fn fits(layout: &Layout, action: &Action, method: MethodId) -> bool {
    let method = layout.method(method);
    match action {
        Action::ManagedCalli(signature) => {
            method.convention == Convention::Managed && *signature == method.signature
        }
        Action::UnmanagedCalli(signature) => {
            method.convention == Convention::UnmanagedCallersOnly && *signature == method.signature
        }
        Action::Direct { .. } | Action::Ldftn(_) => false,
    }
}

/// Walks the script; the layout has been checked before.
pub(super) fn check(scenario: &Scenario) -> Checked {
    check_names("variable", &scenario.variables, |v| v, |i| Place::Variable(VariableId(i)))?;
    limit(Place::Event(MAX_EVENTS), "events", scenario.script.len(), MAX_EVENTS)?;
    let mut walk = Walk {
        scenario,
        loaded: vec![false; scenario.layout.assemblies.len()],
        holds: Vec::new(),
        event: 0,
    };
    for (i, event) in scenario.script.iter().enumerate() {
        walk.event = i;
        walk.step(event)?;
    }
    if let Some(unused) = scenario.variables.get(walk.holds.len()) {
        let id = u16::try_from(walk.holds.len()).unwrap_or(u16::MAX);
        let message =
            format!("variable {} is never given a pointer; expected a take into it", show(unused));
        return Err(Problem::new(Place::Variable(VariableId(id)), Part::Whole, message));
    }
    Ok(())
}

/// What the script has done so far.
struct Walk<'s> {
    scenario: &'s Scenario,
    loaded: Vec<bool>,
    /// The method that each variable seen so far points to.
    holds: Vec<MethodId>,
    event: usize,
}

impl Walk<'_> {
    fn wrong<T>(&self, part: Part, message: impl Into<String>) -> Result<T, Problem> {
        Err(Problem::new(Place::Event(self.event), part, message.into()))
    }

    fn step(&mut self, event: &Event) -> Checked {
        match event {
            Event::Load(assembly) => self.load(*assembly),
            Event::Prepare(method) | Event::Touch(method) => self.method(*method),
            Event::Take { site, into } => self.take(*site, *into),
            Event::Call(call) => self.call(call),
        }
    }

    fn load(&mut self, id: AssemblyId) -> Checked {
        match self.loaded.get_mut(id.index()) {
            None => {
                self.wrong(Part::Target, "an assembly that does not exist; expected a declared one")
            }
            Some(loaded @ false) => {
                *loaded = true;
                Ok(())
            }
            Some(true) => {
                let name = show(&self.scenario.layout.assemblies[id.index()].name);
                self.wrong(Part::Target, format!("a second load of {name}; expected one"))
            }
        }
    }

    fn needs(&self, assembly: AssemblyId, what: &str, name: &str) -> Checked {
        if self.loaded[assembly.index()] {
            return Ok(());
        }
        let assembly = show(&self.scenario.layout.assemblies[assembly.index()].name);
        let message = format!(
            "{what} {} is in {assembly}, which is not loaded yet; expected its load before",
            show(name)
        );
        self.wrong(Part::Target, message)
    }

    fn method(&self, id: MethodId) -> Checked {
        match self.scenario.layout.methods.get(id.index()) {
            None => {
                self.wrong(Part::Target, "a method that does not exist; expected a declared one")
            }
            Some(method) => self.needs(method.assembly, "method", &method.name),
        }
    }

    fn site(&self, id: SiteId) -> Result<&Site, Problem> {
        let Some(site) = self.scenario.layout.sites.get(id.index()) else {
            return self.wrong(Part::Target, "a site that does not exist; expected a declared one");
        };
        if let Some(assembly) = assembly_of(site) {
            self.needs(assembly, "site", &site.name)?;
        }
        Ok(site)
    }

    fn take(&mut self, site: SiteId, into: VariableId) -> Checked {
        let site = self.site(site)?;
        let Action::Ldftn(method) = site.action else {
            let message =
                format!("{} takes no address; expected an `ldftn` site", show(&site.name));
            return self.wrong(Part::Target, message);
        };
        self.method(method)?;
        if into.index() >= self.scenario.variables.len() {
            return self.wrong(Part::Into, "a variable that does not exist; expected a named one");
        }
        if into.index() > self.holds.len() {
            let message = "a variable out of turn; expected names in the order of their first take";
            return self.wrong(Part::Into, message);
        }
        if into.index() == self.holds.len() {
            self.holds.push(method);
        }
        self.holds[into.index()] = method;
        Ok(())
    }

    fn call(&self, call: &Call) -> Checked {
        let layout = &self.scenario.layout;
        let site = self.site(call.site)?;
        let name = show(&site.name);
        let Some(signature) = site_signature(layout, site) else {
            let message = format!("{name} is an `ldftn` site; expected a site that calls");
            return self.wrong(Part::Target, message);
        };
        match (&site.action, call.pointer) {
            (Action::Direct { callee, .. }, None) => self.method(*callee)?,
            (Action::Direct { .. }, Some(_)) => {
                let message = format!("{name} calls directly; expected no `through`");
                return self.wrong(Part::Pointer, message);
            }
            (_, None) => {
                let message = format!("{name} calls a pointer; expected `through` a variable");
                return self.wrong(Part::Whole, message);
            }
            (action, Some(variable)) => self.pointer(&name, action, signature, variable)?,
        }
        self.receiver(call, signature)?;
        self.arguments(call, signature)
    }

    fn pointer(
        &self,
        site: &str,
        action: &Action,
        signature: &Signature,
        variable: VariableId,
    ) -> Checked {
        let layout = &self.scenario.layout;
        let Some(&held) = self.holds.get(variable.index()) else {
            let message = "a variable that holds no pointer yet; expected a take into it before";
            return self.wrong(Part::Pointer, message);
        };
        if fits(layout, action, held) {
            return Ok(());
        }
        let method = layout.method(held);
        let convention = |managed| if managed { "managed" } else { "unmanaged" };
        let message = format!(
            "the pointer is to {}, {} {}; expected {} {} for {site}",
            show(&method.name),
            convention(method.convention == Convention::Managed),
            show(&spell(layout, &method.signature)),
            convention(matches!(action, Action::ManagedCalli(_))),
            show(&spell(layout, signature)),
        );
        self.wrong(Part::Pointer, message)
    }

    fn receiver(&self, call: &Call, signature: &Signature) -> Checked {
        match (signature.instance, call.this) {
            (true, None) => {
                self.wrong(Part::Whole, "an instance call without a receiver; expected `this`")
            }
            (false, Some(_)) => {
                self.wrong(Part::This, "a static call with a receiver; expected no `this`")
            }
            _ => Ok(()),
        }
    }

    fn arguments(&self, call: &Call, signature: &Signature) -> Checked {
        let layout = &self.scenario.layout;
        let (given, wanted) = (call.args.len(), signature.params.len());
        if given != wanted {
            let part = if given > wanted { Part::Arg(wanted) } else { Part::Args };
            let plural = if given == 1 { "" } else { "s" };
            let message = format!(
                "{given} argument{plural}; expected {wanted} for {}",
                show(&spell(layout, signature))
            );
            return self.wrong(part, message);
        }
        for (i, (&word, &ty)) in call.args.iter().zip(&signature.params).enumerate() {
            let canonical = meaning::normalise(layout, ty, word);
            if word != canonical {
                let message = format!(
                    "the word {word:#x} has bits that its type has not; expected {canonical:#x}"
                );
                return self.wrong(Part::Arg(i), message);
            }
        }
        Ok(())
    }
}
