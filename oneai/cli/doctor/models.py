"""The doctor on each model: is it on, does its server answer, by which name, with which credential."""

from collections.abc import Iterator

from oneai.cli.doctor.facts import Facts
from oneai.cli.doctor.remark import Remark, ok, problem, warning
from oneai.cli.models.probe import Probe
from oneai.core.deadline import DEFAULT_S
from oneai.core.endpoint import node_of
from oneai.types import Model


def registered(facts: Facts) -> Iterator[Remark]:
    """That there are any, which are off, and what was wrong in their rows."""
    models = facts.registry.models.values()
    active = [model.code for model in models if model.active]
    off = [model.code for model in models if not model.active]
    if not facts.rows:
        yield warning("models", "none is registered", "oneai models add --help   # or: oneai models import FILE")
    elif not active:
        yield problem("models", "not one is active: nothing can be answered", f"oneai models enable {' '.join(off)}")
    if off and active:
        yield warning(
            "models", f"inactive, so not in /models: {', '.join(off)}", f"oneai models enable {' '.join(off)}"
        )
    for found in facts.registry.warnings:
        if found.model in facts.rows and found.field != "fallback_model_code":
            yield warning("models", f"{found.model}: {found.field} {found.what}", f"oneai models show {found.model}")


def each(facts: Facts) -> Iterator[Remark]:
    """Every active model by itself."""
    for code, model in facts.registry.models.items():
        if not model.active:
            continue
        found = [*_credential(facts, model), *_server(facts, model), *_circuit(facts, model), *_time(model)]
        yield from found or [ok("models", _well(model, facts.probes.get(code)))]


def _well(model: Model, probe: Probe | None) -> str:
    served = f", serves {', '.join(probe.served[:3])}" if probe and probe.served else ""
    return f"{model.code} answers on {node_of(model.endpoint)}{served}"


def _credential(facts: Facts, model: Model) -> Iterator[Remark]:
    if model.credential_env and model.credential_env not in facts.settings.credentials:
        what = f"{model.code} names {model.credential_env}, which is not set here"
        yield problem("models", what, f"set {model.credential_env} in master.env, and restart the gateway")


def _server(facts: Facts, model: Model) -> Iterator[Remark]:
    """What its server answered to us; who cannot be reached from here may be so from where the gateway is."""
    probe = facts.probes.get(model.code)
    if probe is None:
        return
    if not probe.answers:
        node = node_of(model.endpoint)
        what = f"{model.code}: nothing usable answers on {node}: {probe.why}"
        yield problem(
            "models", what, f"oneai models test {model.code} --direct   # and see its container's log on {node}"
        )
    elif probe.why:
        yield warning("models", f"{model.code}: {probe.why}", f"oneai models test {model.code} --direct")
    else:
        yield from _name(model, probe)


def _name(model: Model, probe: Probe) -> Iterator[Remark]:
    names = ", ".join(probe.served[:6])
    if model.served_model and probe.served and model.served_model not in probe.served:
        what = f"{model.code} is to be asked as {model.served_model}, and its server serves {names}"
        yield problem("models", what, f"oneai models set {model.code} served_model={probe.served[0]}")
    elif not model.served_model and len(probe.served) > 1 and model.name not in probe.served:
        what = f"{model.code}: its server serves several models ({names}), and the row says not which"
        yield warning("models", what, f"oneai models set {model.code} served_model={probe.served[0]}")


def _circuit(facts: Facts, model: Model) -> Iterator[Remark]:
    """How it stands with the running gateway."""
    known = facts.running.models
    state = known.get(model.code) if known else None
    if not state:
        return
    if state.get("misconfigured"):
        what = f"{model.code} is misconfigured: {state['misconfigured']}"
        yield problem("models", what, f"oneai models show {model.code}   # then: oneai models set {model.code} ...")
    if state.get("circuit") != "closed":
        last = f": {state['last_error']}" if state.get("last_error") else ""
        what = f"{model.code}: its circuit is {state.get('circuit')}{last}"
        yield problem("models", what, f"oneai models health {model.code} --reset   # once its server is well")


def _time(model: Model) -> Iterator[Remark]:
    if model.timeout_ms > DEFAULT_S * 1000:
        what = f"{model.code} may take {model.timeout_ms / 1000:g} s, and n8n and most clients hang up after 300 s"
        yield warning("models", what, f"oneai models set {model.code} timeout_ms=280000")
