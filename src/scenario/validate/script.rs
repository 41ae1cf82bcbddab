//! Rules for what happens, in the order in which it happens.

#![deny(clippy::wildcard_enum_match_arm)]

use super::super::action::{Action, Subject, VariableKind};
use super::super::spell::spell;
use super::super::state::{Refusal, State, bases};
use super::super::targets::{
    Held, Target, fits, is_receiver, needs_object, slot_of, taken, target,
};
use super::super::{
    AssemblyId, Call, Convention, Event, MAX_DEPTH, MAX_EVENTS, MethodId, Scenario, Signature,
    Site, SiteId, VariableId, meaning,
};
use super::layout::check_names;
use super::names::show;
use super::{Part, Place, Problem, limit};

type Checked = Result<(), Problem>;

/// Walks the script; the layout has been checked before.
pub(super) fn check(scenario: &Scenario) -> Checked {
    check_names("variable", &scenario.variables, |v| v, Place::Variable)?;
    limit(Place::Event(MAX_EVENTS), "events", scenario.script.len(), MAX_EVENTS)?;
    check_interpreter_only(scenario)?;
    let mut walk = Walk { scenario, state: State::new(&scenario.layout), event: 0 };
    for (i, event) in scenario.script.iter().enumerate() {
        walk.event = i;
        walk.step(event)?;
    }
    let taken = walk.state.holds().next_id();
    if let Some(unused) = scenario.variables.get(taken) {
        let message =
            format!("variable {} is never given a pointer; expected a take into it", show(unused));
        return Err(Problem::new(Place::Variable(taken), Part::Whole, message));
    }
    Ok(())
}

/// Without R2R code, native code enters UCO methods through their reverse thunks alone.
fn check_interpreter_only(scenario: &Scenario) -> Checked {
    let lacking = |m: &super::super::Method| {
        m.convention == Convention::UnmanagedCallersOnly && !m.reverse_thunk
    };
    let found = scenario.layout.methods.position(lacking);
    match found.filter(|_| scenario.interpreter_only) {
        None => Ok(()),
        Some(id) => Err(Problem::new(
            Place::Method(id),
            Part::ReverseThunk,
            "an UnmanagedCallersOnly method without a reverse thunk where ReadyToRun is off; \
             expected one, as nothing else can enter it"
                .into(),
        )),
    }
}

/// Goes through the script, event by event.
struct Walk<'s> {
    scenario: &'s Scenario,
    state: State<'s>,
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
            Event::Reset(method) => self.reset(*method),
            Event::Recycle { from, to } => self.recycle(*from, *to),
            Event::Take { site, into, on } => self.take(*site, *into, *on),
            Event::Call(call) => self.call(call, 1),
        }
    }

    fn load(&mut self, id: AssemblyId) -> Checked {
        let layout = &self.scenario.layout;
        let Some(assembly) = layout.assemblies.get(id) else {
            return self
                .wrong(Part::Target, "an assembly that does not exist; expected a declared one");
        };
        if self.state.is_loaded(id) {
            let name = show(&assembly.name);
            return self.wrong(Part::Target, format!("a second load of {name}; expected one"));
        }
        self.state.load(id);
        for base in bases(layout, id) {
            let base = layout.class(base);
            self.needs(base.assembly, "base class", &base.name)?;
        }
        Ok(())
    }

    fn needs(&self, assembly: AssemblyId, what: &str, name: &str) -> Checked {
        if self.state.is_loaded(assembly) {
            return Ok(());
        }
        let assembly = show(&self.scenario.layout.assemblies[assembly].name);
        let message = format!(
            "{what} {} is in {assembly}, which is not loaded yet; expected its load before",
            show(name)
        );
        self.wrong(Part::Target, message)
    }

    fn method(&mut self, id: MethodId) -> Checked {
        let Some(method) = self.scenario.layout.methods.get(id) else {
            return self
                .wrong(Part::Target, "a method that does not exist; expected a declared one");
        };
        self.needs(method.assembly, "method", &method.name)?;
        self.allowed(id, self.state.may_use(id))?;
        self.state.use_method(id);
        Ok(())
    }

    fn reset(&mut self, id: MethodId) -> Checked {
        self.method(id)?;
        self.allowed(id, self.state.may_reset(id))
    }

    fn recycle(&mut self, from: MethodId, to: MethodId) -> Checked {
        match self.state.may_recycle(from, to) {
            Err(
                refusal @ (Refusal::RecycledIsNotDynamic
                | Refusal::SuccessorIsNotDynamic
                | Refusal::SuccessorIsUsed),
            ) => self.allowed(to, Err(refusal))?,
            // What is loaded is looked at first.
            Ok(()) | Err(Refusal::Dead | Refusal::ResetOfDynamic | Refusal::ResetOfUnmanaged) => {}
        }
        self.method(from)?;
        self.method(to)?;
        self.state.recycle(from, to);
        Ok(())
    }

    /// Tells why something may not be done with the method.
    fn allowed(&self, id: MethodId, allowed: Result<(), Refusal>) -> Checked {
        let Err(refusal) = allowed else { return Ok(()) };
        let name = self.scenario.layout.methods.get(id).map_or("", |m| m.name.as_str());
        let name = show(name);
        let no_dynamic = "no dynamic method; expected `form = \"dynamic\"`";
        let (part, message) = match refusal {
            Refusal::Dead => {
                (Part::Target, format!("{name} was recycled; expected no further use of it"))
            }
            Refusal::ResetOfDynamic => (
                Part::Target,
                format!(
                    "a reset of {name}, which is dynamic; expected `recycle`, when nobody needs it"
                ),
            ),
            Refusal::ResetOfUnmanaged => (
                Part::Target,
                format!("a reset of {name}, which native code knows; expected a managed method"),
            ),
            Refusal::RecycledIsNotDynamic => (Part::Target, no_dynamic.into()),
            Refusal::SuccessorIsNotDynamic => (Part::Into, no_dynamic.into()),
            Refusal::SuccessorIsUsed => (
                Part::Into,
                format!("{name} has been used already; expected a dynamic method that has not"),
            ),
        };
        self.wrong(part, message)
    }

    fn site(&self, id: SiteId) -> Result<&Site, Problem> {
        let Some(site) = self.scenario.layout.sites.get(id) else {
            return self.wrong(Part::Target, "a site that does not exist; expected a declared one");
        };
        if let Some(assembly) = site.caller.assembly() {
            self.needs(assembly, "site", &site.name)?;
        }
        Ok(site)
    }

    fn take(&mut self, id: SiteId, into: VariableId, on: Option<u32>) -> Checked {
        let layout = &self.scenario.layout;
        let site = self.site(id)?.clone();
        let Some(held) = taken(layout, id, on) else {
            let message = format!(
                "{} takes no address; expected an `ldftn`, `ldvirtftn` or `delegate` site",
                show(&site.name)
            );
            return self.wrong(Part::Target, message);
        };
        let bound = site.action.parts().takes_from_object();
        if bound != on.is_some() {
            let message =
                if bound { "no object; expected `on`" } else { "an object; expected no `on`" };
            let name = show(&site.name);
            return self.wrong(Part::This, format!("{name} with {message}"));
        }
        if let Some(method) = site.action.named() {
            self.method(method)?;
        }
        self.object(&site, on, Part::This)?;
        self.method(held.method)?;
        if self.scenario.variables.get(into).is_none() {
            return self.wrong(Part::Into, "a variable that does not exist; expected a named one");
        }
        if into > self.state.holds().next_id() {
            let message = "a variable out of turn; expected names in the order of their first take";
            return self.wrong(Part::Into, message);
        }
        self.state.hold(into, held);
        Ok(())
    }

    /// The object there is an instance of a loaded class that has the site's slot.
    fn object(&self, site: &Site, object: Option<u32>, part: Part) -> Checked {
        let layout = &self.scenario.layout;
        let Some(slot) = needs_object(layout, &site.action) else { return Ok(()) };
        self.receives(object.unwrap_or(0), slot, part)
    }

    fn receives(&self, object: u32, slot: MethodId, part: Part) -> Checked {
        let layout = &self.scenario.layout;
        let slot_name = show(&layout.method(slot).name);
        match meaning::class_at(layout, object) {
            Some(class) if is_receiver(layout, object, slot) => {
                let class = layout.class(class);
                self.needs(class.assembly, "class", &class.name)
            }
            Some(class) => {
                let class = show(&layout.class(class).name);
                let message =
                    format!("{class} has no slot of {slot_name}; expected a class that has");
                self.wrong(part, message)
            }
            None => {
                let message = format!(
                    "the receiver is no object of a class; expected the name of a class that has \
                     {slot_name}"
                );
                self.wrong(part, message)
            }
        }
    }

    fn call(&mut self, call: &Call, depth: usize) -> Checked {
        let layout = &self.scenario.layout;
        let site = self.site(call.site)?.clone();
        let name = show(&site.name);
        let Some(signature) = site.signature(layout) else {
            let message = format!("{name} is a site that takes; expected a site that calls");
            return self.wrong(Part::Target, message);
        };
        if let Some(method) = site.action.named() {
            self.method(method)?;
        }
        let held = self.held(&name, &site.action, signature, call.pointer)?;
        self.receiver(call, &site, signature)?;
        self.arguments(call, signature)?;
        if let Some(target) = target(layout, call, held) {
            self.target(call, target)?;
        }
        if depth == MAX_DEPTH && !call.inside.is_empty() {
            let message = format!("calls nested {} deep; expected at most {MAX_DEPTH}", depth + 1);
            return self.wrong(Part::Inside, message);
        }
        call.inside.iter().try_for_each(|inner| self.call(inner, depth + 1))
    }

    /// What the call's variable holds, which must be what the site calls.
    fn held(
        &self,
        site: &str,
        action: &Action,
        signature: &Signature,
        pointer: Option<VariableId>,
    ) -> Result<Option<Held>, Problem> {
        let layout = &self.scenario.layout;
        let (wanted, variable) = match (action.parts().subject, pointer) {
            (Subject::Method(_), None) => return Ok(None),
            (Subject::Method(_), Some(_)) => {
                let message = format!("{site} calls a method by name; expected no `through`");
                return self.wrong(Part::Pointer, message);
            }
            (Subject::Variable(..), None) => {
                let message = format!("{site} calls a pointer; expected `through` a variable");
                return self.wrong(Part::Whole, message);
            }
            (Subject::Variable(wanted, _), Some(variable)) => (wanted, variable),
        };
        let Some(held) = self.state.held(variable) else {
            let message = "a variable that holds no pointer yet; expected a take into it before";
            return self.wrong(Part::Pointer, message);
        };
        if fits(layout, action, held) {
            return Ok(Some(held));
        }
        let describe = |kind| match kind {
            VariableKind::ManagedPointer => "managed",
            VariableKind::UnmanagedPointer => "unmanaged",
            VariableKind::Delegate => "a delegate",
        };
        let message = format!(
            "the pointer is to {}, {} {}; expected {} {} for {site}",
            show(&layout.method(held.method).name),
            describe(held.variable_kind(layout)),
            show(&spell(layout, &held.signature(layout))),
            describe(wanted),
            show(&spell(layout, signature)),
        );
        self.wrong(Part::Pointer, message)
    }

    fn receiver(&self, call: &Call, site: &Site, signature: &Signature) -> Checked {
        match (signature.instance, call.this) {
            (true, None) => {
                self.wrong(Part::Whole, "an instance call without a receiver; expected `this`")
            }
            (false, Some(_)) => {
                self.wrong(Part::This, "a static call with a receiver; expected no `this`")
            }
            _ => self.object(site, call.this, Part::This),
        }
    }

    /// The method that runs is there, and so is what it is dispatched on.
    fn target(&mut self, call: &Call, target: Target) -> Checked {
        let layout = &self.scenario.layout;
        let first = slot_of(layout, target.method);
        // Only an open delegate's receiver is among the arguments.
        if target.skipped == 1 && layout.method(first).is_virtual() {
            self.receives(call.args.first().map_or(0, |&word| word as u32), first, Part::Arg(0))?;
        }
        self.method(target.method)?;
        let callee = self.scenario.layout.method(target.method);
        if callee.is_fcall() && !call.inside.is_empty() {
            let message = format!("{} is an FCall; expected no calls inside", show(&callee.name));
            return self.wrong(Part::Inside, message);
        }
        Ok(())
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
