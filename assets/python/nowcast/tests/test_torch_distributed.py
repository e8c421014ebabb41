"""Two processes on gloo: DistributedDataParallel is nowcast alike in both, sharded weights are refused. Skipped without PyTorch."""

import os
import socket

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
distributed = pytest.importorskip("torch.distributed", reason="needs PyTorch's processes")

from ..torch import AveragedWeights, WeightNowcaster  # noqa: E402

nn = torch.nn


def wrap(how, model):
    if how == "data":
        return nn.parallel.DistributedDataParallel(model)
    fsdp = pytest.importorskip("torch.distributed.fsdp")
    if how == "sharded":
        return fsdp.FullyShardedDataParallel(model, device_id=torch.device("cpu"))
    fsdp.fully_shard(model, mesh=distributed.device_mesh.init_device_mesh("cpu", (2,)))
    return model


def work(rank, how, port):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", rank=rank, world_size=2)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    wrapped = wrap(how, model)
    if how != "data":
        for make in (WeightNowcaster, AveragedWeights):
            with pytest.raises(ValueError, match="the weights are sharded over processes: .*; use DistributedDataParallel"):
                make(wrapped)
    else:
        nowcaster = WeightNowcaster(wrapped, watch=False, period=5, start=0, cadence={"unit": "epoch"})
        optimizer = torch.optim.SGD(wrapped.parameters(), 0.1)
        generator = torch.Generator().manual_seed(rank)
        for _ in range(11):
            optimizer.zero_grad()
            wrapped(torch.randn(16, 6, generator=generator)).square().mean().backward()
            optimizer.step()
            nowcaster.step(1.0)
        assert nowcaster.history[0].outcome == "kept"
        own = torch.cat([parameter.detach().reshape(-1) for parameter in model.parameters()])
        both = [torch.zeros_like(own) for _ in range(2)]
        distributed.all_gather(both, own)
        assert torch.equal(*both)
        # Each process has a loss of its own; all have to decide the same.
        watched = WeightNowcaster(wrapped, optimizer, period=5, start=0, budget=0.5, length=60)
        for step in range(60):
            watched.step(1 / (step + 1) + 3 * rank * (step % 7 == 5))
        verdicts = [len(watched.history), sum(entry.outcome == "reverted" for entry in watched.history)]
        own = torch.tensor([float(value) for value in verdicts])
        both = [torch.zeros_like(own) for _ in range(2)]
        distributed.all_gather(both, own)
        assert torch.equal(*both) and watched.history
    distributed.destroy_process_group()


@pytest.mark.skipif(not (distributed.is_available() and distributed.is_gloo_available()), reason="needs gloo")
@pytest.mark.parametrize("how", ["data", "sharded", "sharded by tensors"])
def test_on_two_processes(how):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(work, (how, port), nprocs=2)
