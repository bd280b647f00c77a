"""The processes of a run, by way of accelerate: who we are, on which device, in which precision, who wants to stop."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor

from corpuskit.errors import PlanError
from settings import Settings

T = TypeVar("T")


class Workers:
    """What a process knows of itself and the others.

    Gradients are summed once a step by `add_up`, and not by DistributedDataParallel: the processes of a step may hold different
    numbers of packs, even none.

    Raises:
        PlanError: accelerate was configured for a way of training that is not supported.
    """

    def __init__(self, settings: Settings) -> None:
        from accelerate import Accelerator
        from accelerate.utils import DistributedType

        # without a device accelerate forms a group of processes only if it is told to use the CPU
        self.accelerator = Accelerator(cpu=not torch.accelerator.is_available())
        known = {DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU}
        if self.accelerator.distributed_type not in known:
            raise PlanError(
                "accelerate",
                f"{self.accelerator.distributed_type.value} is not supported, expected one process a device",
            )
        launched = int(os.environ.get("WORLD_SIZE", "1"))
        if launched != self.accelerator.num_processes:
            raise PlanError(
                "accelerate",
                f"made a group of {self.accelerator.num_processes} out of {launched} processes, which would each train alone",
            )
        self.rank: int = self.accelerator.process_index
        self.world: int = self.accelerator.num_processes
        self.device: torch.device = self.accelerator.device
        self.main = self.rank == 0
        self.bf16 = settings.train.precision == "bf16"
        self.stopping = False

    @property
    def precision(self) -> torch.dtype:
        """Of the frozen weights; adapters are always float32."""
        return torch.bfloat16 if self.bf16 else torch.float32

    def autocast(self) -> Any:
        """The context in which the model runs."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16) if self.bf16 else nullcontext()

    def memory(self) -> int | None:
        """Bytes that this process's device held at most; None where the device does not say."""
        return torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else None

    def close(self) -> None:
        """Says goodbye to the other processes."""
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()

    def main_first(self, work: Callable[[], T]) -> T:
        """Lets the main process do something first, so that the others find its files."""
        if self.main:
            result = work()
        self.barrier()
        return result if self.main else work()

    def barrier(self) -> None:
        """Waits for all processes."""
        if self.world > 1:
            torch.distributed.barrier()

    def add_up(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.world > 1:
            torch.distributed.all_reduce(tensor)
        return tensor

    def gather(self, thing: Any) -> list[Any]:
        """Plain data of every process."""
        if self.world == 1:
            return [thing]
        everybody: list[Any] = [None] * self.world
        torch.distributed.all_gather_object(everybody, thing)
        return everybody

    def listen(self) -> None:
        """From here on SIGTERM and SIGINT ask for a checkpoint at the end of the step; a second SIGINT ends at once."""

        def ask(number: int, _: Any) -> None:
            if self.stopping and number == signal.SIGINT:
                raise KeyboardInterrupt
            self.stopping = True

        signal.signal(signal.SIGTERM, ask)
        signal.signal(signal.SIGINT, ask)

    def agree(self, wish: bool) -> bool:
        """Whether some process wishes something; all get the same answer."""
        if self.world == 1:
            return wish
        flag = torch.tensor([float(wish)], device=self.device)
        return bool(self.add_up(flag)[0] > 0)
