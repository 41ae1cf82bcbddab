//! Rules for what happens, in the order in which it happens.

use super::super::targets::{Held, HeldKind, Target, has_slot, slot_of, taken, target};
use super::super::text::spell;
use super::super::{
    Action, AssemblyId, Call, Caller, Code, Convention, Event, Form, Layout, MAX_DEPTH, MAX_EVENTS,
    MethodId, RuntimePath, Scenario, Signature, Site, SiteId, Slot, VariableId, meaning,
};
use super::layout::check_names;
use super::names::show;
use super::{Part, Place, Problem, limit};

type Checked = Result<(), Problem>;

/// The assembly whose image or byte code holds the site; `None` for native code.
pub(crate) fn assembly_of(site: &Site) -> Option<AssemblyId> {
    match site.caller {
        Caller::ReadyToRun(assembly) | Caller::Interpreter(assembly) => Some(assembly),
        Caller::Native => None,
    }
}

/// The method that a site names.
pub(crate) fn named_method(action: &Action) -> Option<MethodId> {
    match *action {
        Action::Direct { callee: method, .. }
        | Action::Virtual { method, .. }
        | Action::PInvoke { callee: method, .. }
        | Action::Ldftn(method)
        | Action::Ldvirtftn(method)
        | Action::NewDelegate { method, .. }
        | Action::Runtime { callee: method, .. } => Some(method),
        Action::ManagedCalli(_) | Action::UnmanagedCalli(_) | Action::Invoke(_) => None,
    }
}

/// The signature whose parameters a site's calls give; `None` for a site that takes.
pub fn site_signature<'l>(layout: &'l Layout, site: &'l Site) -> Option<&'l Signature> {
    match &site.action {
        Action::ManagedCalli(signature)
        | Action::UnmanagedCalli(signature)
        | Action::Invoke(signature) => Some(signature),
        action if action.takes() => None,
        action => {
            let method = layout.methods.get(named_method(action)?.index())?;
            Some(&method.signature)
        }
    }
}

/// What a variable holds may be called at a site that does this.
pub(crate) fn fits(layout: &Layout, action: &Action, held: Held) -> bool {
    let method = layout.method(held.method);
    let unmanaged = method.convention == Convention::UnmanagedCallersOnly;
    match (action, held.kind) {
        (Action::ManagedCalli(signature), HeldKind::Pointer { .. }) => {
            !unmanaged && *signature == layout.pointer_signature(held.method)
        }
        (Action::UnmanagedCalli(signature), HeldKind::Pointer { .. }) => {
            unmanaged && *signature == method.signature
        }
        (Action::Invoke(signature), HeldKind::Delegate { on }) => {
            *signature == layout.invoke_signature(held.method, on.is_some())
        }
        _ => false,
    }
}

/// A call there needs a receiver that is an instance of a class with the slot: which slot.
pub(crate) fn needs_object(layout: &Layout, action: &Action) -> Option<MethodId> {
    match *action {
        Action::Virtual { method, .. }
        | Action::Ldvirtftn(method)
        | Action::Runtime { path: RuntimePath::Finalizer, callee: method } => Some(method),
        Action::NewDelegate { method, closed: true }
        | Action::Runtime { path: RuntimePath::Reflection, callee: method }
            if layout.method(method).slot != Slot::None =>
        {
            Some(slot_of(layout, method))
        }
        _ => None,
    }
}

/// The object there is an instance of a class with the slot.
pub(crate) fn is_receiver(layout: &Layout, object: u32, slot: MethodId) -> bool {
    meaning::class_at(layout, object).is_some_and(|class| {
        let declaring = layout.method(slot).class;
        has_slot(layout, class, slot) || declaring == Some(class)
    })
}

/// Walks the script; the layout has been checked before.
pub(super) fn check(scenario: &Scenario) -> Checked {
    check_names("variable", &scenario.variables, |v| v, |i| Place::Variable(VariableId(i)))?;
    limit(Place::Event(MAX_EVENTS), "events", scenario.script.len(), MAX_EVENTS)?;
    check_interpreter_only(scenario)?;
    let methods = scenario.layout.methods.len();
    let mut walk = Walk {
        scenario,
        loaded: vec![false; scenario.layout.assemblies.len()],
        holds: Vec::new(),
        used: vec![false; methods],
        dead: vec![false; methods],
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

/// Without R2R code, native code enters UCO methods through their reverse thunks alone.
fn check_interpreter_only(scenario: &Scenario) -> Checked {
    let lacking = |m: &super::super::Method| {
        m.convention == Convention::UnmanagedCallersOnly && !m.reverse_thunk
    };
    let found = scenario.layout.methods.iter().position(lacking);
    match found.filter(|_| scenario.interpreter_only) {
        None => Ok(()),
        Some(i) => Err(Problem::new(
            Place::Method(MethodId(u16::try_from(i).unwrap_or(u16::MAX))),
            Part::ReverseThunk,
            "an UnmanagedCallersOnly method without a reverse thunk where ReadyToRun is off; \
             expected one, as nothing else can enter it"
                .into(),
        )),
    }
}

/// What the script has done so far.
struct Walk<'s> {
    scenario: &'s Scenario,
    loaded: Vec<bool>,
    /// What each variable seen so far holds.
    holds: Vec<Held>,
    /// Methods that something was done with.
    used: Vec<bool>,
    /// Dynamic methods whose MethodDesc is another's by now.
    dead: Vec<bool>,
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
        match self.loaded.get(id.index()) {
            None => {
                return self.wrong(
                    Part::Target,
                    "an assembly that does not exist; expected a declared one",
                );
            }
            Some(true) => {
                let name = show(&layout.assemblies[id.index()].name);
                return self.wrong(Part::Target, format!("a second load of {name}; expected one"));
            }
            Some(false) => self.loaded[id.index()] = true,
        }
        for class in layout.classes.iter().filter(|class| class.assembly == id) {
            if let Some(base) = class.base {
                let base = layout.class(base);
                self.needs(base.assembly, "base class", &base.name)?;
            }
        }
        Ok(())
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

    fn method(&mut self, id: MethodId) -> Checked {
        let Some(method) = self.scenario.layout.methods.get(id.index()) else {
            return self
                .wrong(Part::Target, "a method that does not exist; expected a declared one");
        };
        self.needs(method.assembly, "method", &method.name)?;
        if self.dead[id.index()] {
            let message =
                format!("{} was recycled; expected no further use of it", show(&method.name));
            return self.wrong(Part::Target, message);
        }
        self.used[id.index()] = true;
        Ok(())
    }

    fn reset(&mut self, id: MethodId) -> Checked {
        self.method(id)?;
        let method = self.scenario.layout.method(id);
        if method.form == Form::Dynamic {
            let message = format!(
                "a reset of {}, which is dynamic; expected `recycle`, when nobody needs it",
                show(&method.name)
            );
            return self.wrong(Part::Target, message);
        }
        if method.convention == Convention::Managed {
            return Ok(());
        }
        let message = format!(
            "a reset of {}, which native code knows; expected a managed method",
            show(&method.name)
        );
        self.wrong(Part::Target, message)
    }

    fn recycle(&mut self, from: MethodId, to: MethodId) -> Checked {
        let layout = &self.scenario.layout;
        for (id, part) in [(from, Part::Target), (to, Part::Into)] {
            match layout.methods.get(id.index()) {
                Some(method) if method.form == Form::Dynamic => {}
                _ => return self.wrong(part, "no dynamic method; expected `form = \"dynamic\"`"),
            }
        }
        if from == to || self.used[to.index()] {
            let name = show(&layout.method(to).name);
            let message =
                format!("{name} has been used already; expected a dynamic method that has not");
            return self.wrong(Part::Into, message);
        }
        self.method(from)?;
        self.method(to)?;
        self.dead[from.index()] = true;
        Ok(())
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
        let bound =
            matches!(site.action, Action::Ldvirtftn(_) | Action::NewDelegate { closed: true, .. });
        if bound != on.is_some() {
            let message =
                if bound { "no object; expected `on`" } else { "an object; expected no `on`" };
            let name = show(&site.name);
            return self.wrong(Part::This, format!("{name} with {message}"));
        }
        if let Some(method) = named_method(&site.action) {
            self.method(method)?;
        }
        self.object(&site, on, Part::This)?;
        self.method(held.method)?;
        if into.index() >= self.scenario.variables.len() {
            return self.wrong(Part::Into, "a variable that does not exist; expected a named one");
        }
        if into.index() > self.holds.len() {
            let message = "a variable out of turn; expected names in the order of their first take";
            return self.wrong(Part::Into, message);
        }
        if into.index() == self.holds.len() {
            self.holds.push(held);
        }
        self.holds[into.index()] = held;
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
        let Some(signature) = site_signature(layout, &site) else {
            let message = format!("{name} is a site that takes; expected a site that calls");
            return self.wrong(Part::Target, message);
        };
        if let Some(method) = named_method(&site.action) {
            self.method(method)?;
        }
        let held = self.held(&name, &site.action, signature, call.pointer)?;
        self.receiver(call, &site, signature)?;
        self.arguments(call, signature)?;
        if let Some(target) = target(layout, call, held) {
            self.target(&site, call, target)?;
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
        let wanted = named_method(action).is_none();
        let variable = match (wanted, pointer) {
            (false, None) => return Ok(None),
            (false, Some(_)) => {
                let message = format!("{site} calls a method by name; expected no `through`");
                return self.wrong(Part::Pointer, message);
            }
            (true, None) => {
                let message = format!("{site} calls a pointer; expected `through` a variable");
                return self.wrong(Part::Whole, message);
            }
            (true, Some(variable)) => variable,
        };
        let Some(&held) = self.holds.get(variable.index()) else {
            let message = "a variable that holds no pointer yet; expected a take into it before";
            return self.wrong(Part::Pointer, message);
        };
        if fits(layout, action, held) {
            return Ok(Some(held));
        }
        let wanted = match action {
            Action::ManagedCalli(_) => "managed",
            Action::UnmanagedCalli(_) => "unmanaged",
            _ => "a delegate",
        };
        let method = layout.method(held.method);
        let (is, found) = match held.kind {
            HeldKind::Delegate { on } => {
                ("a delegate", layout.invoke_signature(held.method, on.is_some()))
            }
            HeldKind::Pointer { .. } if method.convention == Convention::UnmanagedCallersOnly => {
                ("unmanaged", method.signature.clone())
            }
            HeldKind::Pointer { .. } => ("managed", layout.pointer_signature(held.method)),
        };
        let message = format!(
            "the pointer is to {}, {is} {}; expected {wanted} {} for {site}",
            show(&method.name),
            show(&spell(layout, &found)),
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
    fn target(&mut self, site: &Site, call: &Call, target: Target) -> Checked {
        let layout = &self.scenario.layout;
        let first = slot_of(layout, target.method);
        let open_virtual = matches!(site.action, Action::Invoke(_))
            && target.skipped == 1
            && layout.method(first).slot != Slot::None;
        if open_virtual {
            self.receives(call.args.first().map_or(0, |&word| word as u32), first, Part::Arg(0))?;
        }
        self.method(target.method)?;
        let callee = self.scenario.layout.method(target.method);
        if callee.code == Code::Native
            && !call.inside.is_empty()
            && callee.convention == Convention::Managed
        {
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
