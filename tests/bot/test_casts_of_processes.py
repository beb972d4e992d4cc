"""A character's life over several processes of `mrp terminal`, each with its own memory of it."""

# slow: starts three processes

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def terminal(data, text):
    kept = {k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "MRP_MODEL")}
    done = subprocess.run(
        [sys.executable, "-m", "mrp", "terminal", "--model", "echo", "--room", "of processes"],
        input=text.encode(),
        capture_output=True,
        env=kept | {"XDG_DATA_HOME": str(data), "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=True,
    )
    return done.stdout.decode()


def test_made_in_one_process_summoned_changed_and_withdrawn_in_others(data):
    made = terminal(
        data, "/角色 创建 小墨龙 | 墨龙来也！ | 一条小龙。 | 别名：小墨\n/角色 保存 处处\n/quit\n"
    )
    assert "试一句：你是谁？" in made
    assert "小墨龙保存了（处处）" in made
    played = terminal(
        data,
        "/召唤 小墨\n小墨，你好\n/角色 修改 小墨 | 语气：文绉绉\n/角色 保存\n/发现 小龙\n/quit\n",
    )
    assert "小墨龙：墨龙来也！" in played
    assert "小墨龙：小墨，你好" in played
    assert "小墨龙：一条小龙。（👍0 👎0，这里 1 次，一共 1 次）" in played
    left = terminal(data, "/角色 小墨\n/角色 撤下 小墨\n/召唤 小墨\n/前情\n/quit\n")
    assert "语气：文绉绉" in left
    assert "小墨龙：我这就告辞了，诸位保重。" in left
    assert "没有人叫“小墨”" in left
    assert "小墨龙：墨龙来也！" in left
