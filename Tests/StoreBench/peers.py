# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""One process of another session store: what Store/StoreBench.swift is for this package's, with the same words.

Usage: peers.py langgraph|openai|strands build|turns|resume|kept ROOT …. Prints one JSON object. Each store is used as its
own agents use it, with its defaults; what is read for a turn are the newest 20 messages where a store can give those, and
all of them where it cannot.
"""

import asyncio
import json
import os
import sys
import time

NEWEST = 20
PAIR = 2
# How long the model is thought to take between two messages, in seconds, where two processes compete.
MODEL_TIME = 0.005


def message(writer, number):
    """2,048 bytes that say whose they are."""
    word = "%s/%d " % (writer, number)
    return (word * (2048 // len(word) + 1))[:2048]


class LangGraph:
    """A graph of one node that answers; its state is the list of messages, and SqliteSaver keeps that."""

    def __init__(self, root):
        import sqlite3
        from langgraph.checkpoint.sqlite import SqliteSaver
        from langgraph.graph import END, START, MessagesState, StateGraph

        self.pause = 0

        def answer(state):
            time.sleep(self.pause)
            return {"messages": [{"role": "assistant", "content": state["messages"][-1].content}]}

        builder = StateGraph(MessagesState)
        builder.add_node("answer", answer)
        builder.add_edge(START, "answer")
        builder.add_edge("answer", END)
        # As SqliteSaver.from_conn_string opens it.
        connection = sqlite3.connect(os.path.join(root, "checkpoints.sqlite"), check_same_thread=False)
        self.graph = builder.compile(checkpointer=SqliteSaver(connection))
        self.close = connection.close
        self.config = {"configurable": {"thread_id": "bench"}}

    def build(self, texts):
        self.graph.update_state(self.config, {"messages": [
            {"role": role, "content": text} for text in texts for role in ("user", "assistant")]}, as_node="answer")

    def turn(self, text):
        # "sync": a checkpoint is written before the next step begins, as in this package.
        self.graph.invoke({"messages": [{"role": "user", "content": text}]}, self.config, durability="sync")

    def all(self):
        return [each.content for each in self.graph.get_state(self.config).values.get("messages", [])]


class OpenAI:
    """The session, called as the SDK's runner calls it: items are read, input is added, and later the reply."""

    def __init__(self, root):
        from agents import SQLiteSession
        self.session = SQLiteSession("bench", os.path.join(root, "sessions.sqlite"))
        self.loop = asyncio.new_event_loop()
        self.pause = 0

    def close(self):
        self.session.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def _wait(self, awaitable):
        return self.loop.run_until_complete(awaitable)

    def build(self, texts):
        self._wait(self.session.add_items([
            {"role": role, "content": text} for text in texts for role in ("user", "assistant")]))

    def turn(self, text):
        self.newest()
        self._wait(self.session.add_items([{"role": "user", "content": text}]))
        time.sleep(self.pause)
        self._wait(self.session.add_items([{"role": "assistant", "content": text}]))

    def all(self):
        return [item["content"] for item in self._wait(self.session.get_items())]

    def newest(self):
        return [item["content"] for item in self._wait(self.session.get_items(limit=NEWEST))]


class Strands:
    """An agent with the session manager, whose hooks are called as the agent calls them for each message."""

    def __init__(self, root):
        from strands import Agent
        from strands.models.model import Model
        from strands.session.file_session_manager import FileSessionManager

        class Silent(Model):
            """An agent needs a model; this one is never asked."""

            def update_config(self, **config): pass
            def get_config(self): return {}
            def structured_output(self, *_, **__): raise NotImplementedError
            def stream(self, *_, **__): raise NotImplementedError

        self.manager = FileSessionManager(session_id="bench", storage_dir=root)
        self.pause = 0
        self.agent = Agent(model=Silent(), agent_id="agent", session_manager=self.manager, callback_handler=None)

    def close(self):
        pass

    def _add(self, role, text):
        added = {"role": role, "content": [{"text": text}]}
        self.agent.messages.append(added)
        self.manager.append_message(added, self.agent)
        self.manager.sync_agent(self.agent)

    def build(self, texts):
        # Without the hook for its state, which looks through all messages and would take minutes.
        for text in texts:
            for role in ("user", "assistant"):
                self.manager.append_message({"role": role, "content": [{"text": text}]}, self.agent)

    def turn(self, text):
        self._add("user", text)
        time.sleep(self.pause)
        self._add("assistant", text)
        self.manager.sync_agent(self.agent)

    def all(self):
        return [each["content"][0]["text"] for each in self.agent.messages]


STORES = {"langgraph": LangGraph, "openai": OpenAI, "strands": Strands}


def load(name):
    """Imports what the store needs, which is not to be measured."""
    if name == "langgraph":
        import langgraph.checkpoint.sqlite, langgraph.graph  # noqa: E401, F401
    elif name == "openai":
        import agents  # noqa: F401
    else:
        import strands, strands.session.file_session_manager  # noqa: E401, F401


def mark(name, root):
    """A system call that strace shows, and that does nothing."""
    os.access(os.path.join(root, "." + name), os.F_OK)


def build(store, root, count):
    session = store(root)
    session.build([message("build", number) for number in range(int(count) // PAIR)])
    session.close()
    return {"messages": int(count)}


def turns(store, root, writer, count, gate="", limit="0"):
    """With a gate, not before a file of that path exists, and with a slow model; with a limit, fewer when that many seconds have passed."""
    session = store(root)
    session.all()
    if gate:
        session.pause = MODEL_TIME
        print("ready", flush=True)
        while not os.path.exists(gate):
            time.sleep(0.001)
    times, errors, kinds = [], 0, []
    started = time.monotonic()
    for number in range(int(count)):
        # The first turn is not counted: it may create what is not there yet, and loads code.
        if number == 1:
            mark("begin", root)
        before = time.perf_counter_ns()
        try:
            session.turn(message(writer, number))
        except Exception as error:  # is what is counted
            errors += 1
            kinds.append(type(error).__name__)
        times.append(time.perf_counter_ns() - before)
        if 0 < float(limit) < time.monotonic() - started:
            break
    mark("end", root)
    session.close()
    return {"nanoseconds": times, "errors": errors, "kinds": sorted(set(kinds))}


def resume(store, root, count):
    mark("begin", root)
    before = time.perf_counter_ns()
    session = store(root)
    found = session.all() if count == "0" else session.newest()
    passed = time.perf_counter_ns() - before
    mark("end", root)
    session.close()
    return {"nanoseconds": passed, "messages": len(found)}


def kept(store, root):
    session = store(root)
    words = [text.split(" ")[0] for text in session.all()]
    session.close()
    return {"messages": words}


def main():
    name, command, root = sys.argv[1:4]
    load(name)
    print(json.dumps({"build": build, "turns": turns, "resume": resume, "kept": kept}[command](
        STORES[name], root, *sys.argv[4:])))


main()
