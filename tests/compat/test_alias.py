"""The alias: one set of module objects under two names, texts for what is missing, and other libraries under it.

Everything runs in processes of its own, by `headgate run`, since the alias is a state of the whole process.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


def run(folder: Path, code: str, *arguments: str) -> str:
    """What a script prints under `headgate run`; fails the test if the script fails."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(code))
    done = subprocess.run(
        [sys.executable, "-m", "headgate", "run", str(script), *arguments],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_same_modules_under_both_names(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        import sys
        import torch, headgate
        import torch.autograd
        import headgate.autograd as ours
        from torch import autograd as theirs
        assert torch is headgate
        assert torch.autograd is ours is theirs is sys.modules["torch.autograd"] is sys.modules["headgate.autograd"]
        assert ours.__name__ == ours.__spec__.name == "headgate.autograd"
        assert headgate.__spec__.name == "headgate"
        assert isinstance(torch.tensor([1.0]), headgate.Tensor)
        """,
    )


def test_nothing_of_an_installed_pytorch_is_loaded(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        import sys
        import torch, torch.autograd
        print(torch.tensor([1.0]) + 1)
        files = [getattr(module, "__file__", None) or "" for name, module in sys.modules.items()
                 if name.partition(".")[0] == "torch"]
        assert files and all("headgate" in file for file in files), files
        """,
    )


@pytest.mark.parametrize(
    ("expression", "near"),
    [
        ("torch.tensr", "tensor"),
        ("torch.autograd.gard", "grad"),
        ("torch.Sigmoid", "sigmoid"),
        ("torch.zerosLike", "zeros_like"),
    ],
)
def test_a_missing_name_says_what_is_nearest(tmp_path: Path, expression: str, near: str) -> None:
    out = run(
        tmp_path,
        f"""
        import torch
        assert not hasattr(torch, "no_such_name_anywhere")
        try:
            {expression}
        except AttributeError as error:
            print(error, error.name, sep="|")
        """,
    )
    owner, _, name = expression.rpartition(".")
    assert (
        out
        == f"module {owner!r} has no attribute {name!r}: Headgate has no such name; the nearest is {near!r}|{name}\n"
    )


def test_a_missing_module_says_what_is_nearest(tmp_path: Path) -> None:
    out = run(
        tmp_path,
        """
        import importlib.util
        for name in ("torch.autogard", "torch.autograd.no_such_thing_here"):
            try:
                __import__(name)
            except ModuleNotFoundError as error:
                print(error.name, error, sep="|")
            assert importlib.util.find_spec(name) is None
        assert importlib.util.find_spec("torch.autograd") is not None
        assert importlib.util.find_spec("torch") is not None
        """,
    )
    first, second = out.splitlines()
    assert first == (
        "torch.autogard|No module named 'torch.autogard': Headgate has no such module; the nearest is 'torch.autograd'"
    )
    assert second.startswith("torch.autograd.no_such_thing_here|No module named 'torch.autograd.no_such_thing_here'")


@pytest.mark.parametrize("room", ["core", "kernels", "compat", "errors", "dtypes", "_loading", "cli"])
def test_internal_rooms_do_not_answer_to_torch(tmp_path: Path, room: str) -> None:
    run(
        tmp_path,
        f"""
        import headgate.{room}
        try:
            import torch.{room}
        except ModuleNotFoundError as error:
            assert error.name == "torch.{room}"
        else:
            raise SystemExit("torch.{room} was found")
        """,
    )


def test_a_broken_import_inside_a_module_is_not_called_missing(tmp_path: Path) -> None:
    """What a module of ours needs and cannot have is named, not the module itself."""
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "broken.py").write_text('"""Needs what is not there."""\nimport not_installed_anywhere\n')
    run(
        tmp_path,
        f"""
        import headgate
        headgate.__path__.append({str(tmp_path / "extra")!r})
        try:
            import torch.broken
        except ModuleNotFoundError as error:
            assert error.name == "not_installed_anywhere", error.name
        else:
            raise SystemExit("no error")
        """,
    )


def test_version(tmp_path: Path) -> None:
    pytest.importorskip("packaging")
    run(
        tmp_path,
        """
        import torch
        from packaging.version import Version, parse
        assert Version(torch.__version__).release == (2, 13, 0)
        assert "headgate" in Version(torch.__version__).local
        assert parse(torch.__version__) >= parse("2.13.0") and parse(torch.__version__) < parse("2.14")
        assert torch.__version__ > "2.2" and torch.__version__ >= (1, 9) and not torch.__version__ < (2, 13)
        assert torch.version.__version__ == torch.__version__ and torch.version.cuda is None
        import torch.version as again
        assert again is torch.version
        """,
    )


def test_installing_beside_pytorch_is_refused() -> None:
    pytest.importorskip("torch")
    code = "import torch\nfrom headgate.compat import alias\nalias.install()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "RuntimeError: PyTorch is already imported" in done.stderr


def test_installing_twice_is_once() -> None:
    code = (
        "import sys\nfrom headgate.compat import alias\na = alias.install()\nn = len(sys.meta_path)\n"
        "v = a.__version__\nassert alias.install() is a and len(sys.meta_path) == n and a.__version__ == v\n"
        "assert alias.installed()\nimport torch\nassert torch is a\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_scikit_learn_works_under_the_alias(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    out = run(
        tmp_path,
        """
        import torch
        from sklearn.datasets import load_digits
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import accuracy_score
        from sklearn.preprocessing import StandardScaler
        from sklearn.utils._array_api import get_namespace
        x, y = load_digits(return_X_y=True)
        scaled = StandardScaler().fit_transform(x)
        model = LogisticRegression(max_iter=60).fit(scaled[:1000], y[:1000])
        assert accuracy_score(y[1000:], model.predict(scaled[1000:])) > 0.85
        t = torch.tensor(scaled[:5])
        assert t.shape == (5, 64)
        print(get_namespace(scaled)[0].__name__)
        assert (model.predict(t.numpy()) == model.predict(scaled[:5])).all()
        """,
    )
    assert "numpy" in out


def test_scikit_learn_array_dispatch_probes(tmp_path: Path) -> None:
    """With SciPy's array dispatch on, scikit-learn probes `torch` on every call; NumPy arrays still work."""
    pytest.importorskip("sklearn")
    script = tmp_path / "script.py"
    script.write_text(
        "import torch, numpy, sklearn\nfrom sklearn.preprocessing import MinMaxScaler\n"
        "sklearn.set_config(array_api_dispatch=True)\n"
        "print(MinMaxScaler().fit_transform(numpy.arange(4.0).reshape(2, 2)).tolist())\n"
    )
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "headgate", "run", str(script)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[[0.0, 0.0], [1.0, 1.0]]\n"


def test_gymnasium_works_under_the_alias(tmp_path: Path) -> None:
    pytest.importorskip("gymnasium")
    out = run(
        tmp_path,
        """
        import torch
        import gymnasium
        environment = gymnasium.make("CartPole-v1")
        state, _ = environment.reset(seed=1)
        weight = torch.zeros(4, requires_grad=True)
        steps = 0
        for _ in range(20):
            score = (torch.tensor(state) * weight).sum()
            state, reward, done, cut, _ = environment.step(int(score.item() > 0))
            score.backward()
            steps += 1
            if done or cut:
                break
        vector = gymnasium.make_vec("CartPole-v1", num_envs=2)
        assert vector.reset(seed=1)[0].shape == (2, 4)
        assert weight.grad.shape == (4,)
        print(steps > 3)
        """,
    )
    assert out == "True\n"


def test_tqdm_works_under_the_alias(tmp_path: Path) -> None:
    pytest.importorskip("tqdm")
    out = run(
        tmp_path,
        """
        import torch
        from tqdm import tqdm
        from tqdm.auto import trange
        total = torch.zeros(1)
        for row in tqdm(torch.ones(3, 1), disable=False):
            total += row
        for _ in trange(2):
            total += 1
        print(total.item())
        """,
    )
    assert out == "5.0\n"


def test_safetensors_is_answered_too(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        import torch
        from safetensors import safe_open
        from safetensors.torch import load_file, save_file
        import os, sys
        os.chdir(os.path.dirname(sys.argv[0]))
        save_file({"x": torch.ones(2)}, "x.safetensors")
        with safe_open("x.safetensors", framework="pt") as file:
            assert torch.equal(file.get_tensor("x"), load_file("x.safetensors")["x"])
        torch.serialization.add_safe_globals([dict])
        torch.save({"x": torch.ones(2)}, "x.pt")
        assert torch.load("x.pt", weights_only=True)["x"].sum() == 2
        """,
    )
