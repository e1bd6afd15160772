"""Films, trains, validates, exports and checks, in the given time: ``python -m training.train --minutes 9``."""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.augment import varied
from training.evaluate import evaluate, pace_ms
from training.export import Session, check, export, export_torchscript
from training.footage import (
    FRAMES,
    LEAST_BALL,
    TRAINING_SEEDS,
    VALIDATION_SEEDS,
    Job,
    Parts,
    Whole,
    jobs,
    make,
)
from training.network import Network
from training.targets import loss, wanted

SIZE = (512, 320)  # of what is trained on at once
_LAST = 0.9  # share of the time after which training ends, for validation and export
_EMA_S = 12.0  # how far back the weights that are kept reach, in seconds of training
_WARM_UP = 0.04  # share of the training


@dataclass(frozen=True)
class Plan:
    """What a training run does with its time.

    Args:
        start: when it began, by ``time.monotonic``.
        seconds: how long it may take.
        filming: share of that for the footage, at most.
    """

    start: float
    seconds: float
    filming: float

    @property
    def filmed_by(self) -> float:
        return self.start + self.filming * self.seconds

    @property
    def trained_by(self) -> float:
        return self.start + _LAST * self.seconds

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.start:6.1f} s] {text}", flush=True)


def gather(plan: Plan, work: Sequence[Job], processes: int) -> tuple[Parts, list[Whole]]:
    """The footage that the time allows, in the order of the jobs.

    Raises:
        RuntimeError: if there is no training or no validation picture by then.
    """
    parts: list[Parts] = []
    wholes: list[Whole] = []
    for number, result in enumerate(make(work, processes, plan.filmed_by), 1):
        if isinstance(result, Parts):
            parts.append(result)
        else:
            wholes += result
        if number % 20 == 0:
            plan.say(f"filmed {len(parts)} matches for training, {len(wholes)} panoramas for validation")
    if not parts or not wholes:
        raise RuntimeError("no footage in time: give it more minutes or processes")
    joined = Parts(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    plan.say(
        f"footage: {len(joined.kinds)} pictures of {len(parts)} matches; {len(wholes)} panoramas to validate"
    )
    return joined, wholes


def rate_at(share: float) -> float:
    """The learning rate at a share of the training, of its highest: up in a line, down by a cosine."""
    if share < _WARM_UP:
        return share / _WARM_UP
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (share - _WARM_UP) / (1 - _WARM_UP)))) + 0.005


def train(plan: Plan, parts: Parts, batch: int, device: torch.device, highest: float) -> Network:
    """Trains until the time is up. Returns the moving average of the weights."""
    torch.manual_seed(7)
    network = Network().to(device, memory_format=torch.channels_last)
    kept = copy.deepcopy(network).eval()
    groups = nn.ModuleList([network])
    optimiser = torch.optim.AdamW(groups.parameters(), lr=highest, weight_decay=1e-3)
    data = [torch.from_numpy(column).to(device) for column in parts]
    start = last = time.monotonic()
    steps, mean, said = 0, torch.zeros(2, device=device), start
    while (now := time.monotonic()) < plan.trained_by:
        share = (now - start) / (plan.trained_by - start)
        for group in optimiser.param_groups:
            group["lr"] = highest * rate_at(share)
        losses = _step(network, optimiser, data, batch)
        steps += 1
        mean += 0.02 * (losses - mean) if steps > 1 else losses
        _follow(kept, network, 1 - math.exp(-(now - last) / min(_EMA_S, 0.3 * (now - start) + 1e-3)))
        last = now
        if now - said > 10:
            said = now
            heat, boxes = mean.tolist()
            plan.say(f"step {steps}, rate {highest * rate_at(share):.5f}, heat {heat:.3f}, boxes {boxes:.3f}")
    plan.say(f"{steps} steps of {batch} pictures; heat {float(mean[0]):.3f}, boxes {float(mean[1]):.3f}")
    return kept.cpu().to(memory_format=torch.contiguous_format)


def _step(network: Network, optimiser: torch.optim.Optimizer, data: list[Tensor], batch: int) -> Tensor:
    device = data[0].device
    chosen = torch.randint(len(data[0]), (batch,), device=device)
    pictures, edges, kinds, ignored = (column[chosen] for column in data)
    with torch.no_grad():
        shown, edges, ignored = varied(pictures, edges, kinds, ignored, SIZE, LEAST_BALL)
        target = wanted(edges, kinds, ignored, SIZE)
        shown = shown.contiguous(memory_format=torch.channels_last)
    network.train()
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        maps = network(shown)
    heat, boxes = loss(maps, target)
    optimiser.zero_grad(set_to_none=True)
    (heat + boxes).backward()
    nn.utils.clip_grad_norm_(network.parameters(), 10.0)
    optimiser.step()
    return torch.stack([heat.detach(), boxes.detach()])


@torch.no_grad()
def _follow(kept: Network, network: Network, share: float) -> None:
    """Moves the kept weights towards the network's by a share of the way."""
    theirs = network.state_dict()
    for name, value in kept.state_dict().items():
        if value.is_floating_point():
            value.lerp_(theirs[name], min(1.0, share))
        else:
            value.copy_(theirs[name])


def finish(plan: Plan, network: Network, wholes: list[Whole], out: Path, facts: dict[str, Any]) -> None:
    """Exports the network, checks the file, scores it, and writes both into the folder ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), out / "weights.pth")
    path = out / "touchline-ball.onnx"
    notes = {
        "author": "Touchline",
        "license": "Apache-2.0",
        "description": "Ball and players in panoramas; trained on synthetic matches only",
    }
    export(network, path, notes)
    export_torchscript(network, path.with_suffix(".pt"))
    worst = check(network, path)
    plan.say(f"{path}: {path.stat().st_size} bytes; the same as the network to {worst:.1e}")
    pace = round(pace_ms(path), 1)
    plan.say(f"one thread, 1920x512: {pace:g} ms")
    scores = evaluate(Session(path), wholes)
    facts |= {"parameters": sum(p.numel() for p in network.parameters()), "one_thread_1920x512_ms": pace}
    (out / "scores.json").write_text(json.dumps(facts | {"validation": scores}, indent=1) + "\n")
    plan.say("validation: " + json.dumps(scores))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=9.0, help="for everything (9)")
    parser.add_argument(
        "--filming", type=float, default=0.38, help="share of the time for the footage (0.38)"
    )
    parser.add_argument("--out", type=Path, default=Path("build/training"))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--matches", type=int, default=len(TRAINING_SEEDS))
    parser.add_argument(
        "--validation", type=int, default=len(VALIDATION_SEEDS), help="matches to validate on"
    )
    parser.add_argument(
        "--turns", type=int, default=2, help="how often each match is filmed, time allowing (2)"
    )
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each match (12)")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate (0.003)")
    options = parser.parse_args()
    plan = Plan(time.monotonic(), 60 * options.minutes, options.filming)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    plan.say(f"training on {torch.cuda.get_device_name() if device.type == 'cuda' else 'the processor'}")
    # Validation first, because nothing can be said without it.
    work = jobs(VALIDATION_SEEDS[: options.validation], 2, True, max(1, options.frames // 2), None)
    work += jobs(TRAINING_SEEDS[: options.matches], options.turns, False, options.frames, None)
    parts, wholes = gather(plan, work, options.processes)
    network = train(plan, parts, options.batch, device, options.rate)
    facts = {"minutes": options.minutes, "pictures": len(parts.kinds), "torch": torch.__version__}
    finish(plan, network, wholes, options.out, facts)


if __name__ == "__main__":
    main()
