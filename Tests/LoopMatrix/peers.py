# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""One process of another agent framework: what Tests/LoopAgent is for this package, with the same lines of output.

Usage: peers.py langgraph|openai|strands turn root=ROOT url=URL effects=FILE [at=BOUNDARY:NUMBER] ID=MESSAGE …. Each is resumed
as its documentation says, by an application that looks at the session first, and gives no message a second time that is
there: LangGraph's with invoke(None), with each checkpoint written before the next step; OpenAI's by running on the session;
Strands' by calling the agent without a prompt. Its tools run in parallel where the model asks for several, which is what all
three do by themselves.
"""

import asyncio
import json
import os
import signal
import sys
import threading

INSTRUCTIONS = "Do what you are asked to do."


def say(kind, rest=""):
    os.write(1, ("%s %s\n" % (kind, rest)).encode())


class Boundary:
    """Kills the process at one place. Places of the model are counted, those of a tool have its number."""

    def __init__(self, at):
        self.at, self.asked, self.lock = at, 0, threading.Lock()

    def reached(self, name, number):
        place = "%s:%d" % (name, number)
        say("event", place)
        if place == self.at:
            say("hit")
            os.kill(os.getpid(), signal.SIGKILL)

    def asks(self):
        with self.lock:
            self.asked += 1
            number = self.asked
        self.reached("ask", number)
        return number


class Tool:
    def __init__(self, file, boundary):
        self.file, self.boundary = file, boundary

    def act(self, number, key="-"):
        self.boundary.reached("claimed", number)
        with open(self.file, "a") as file:
            file.write("%d %s\n" % (number, key))
        self.boundary.reached("effect", number)
        return "done %d" % number


class LangGraph:
    def __init__(self, root, url, tool, boundary):
        import sqlite3
        from langchain.agents import create_agent
        from langchain_core.tools import tool as tool_of
        from langchain_openai import ChatOpenAI
        from langgraph.checkpoint.sqlite import SqliteSaver

        class Model(ChatOpenAI):
            def _generate(self, *arguments, **options):
                number = boundary.asks()
                result = super()._generate(*arguments, **options)
                boundary.reached("answered", number)
                return result

        @tool_of
        def act(number: int) -> str:
            """Acts."""
            return tool.act(number)

        model = Model(model="scripted", base_url=url, api_key="none", max_retries=0)
        saver = SqliteSaver(sqlite3.connect(os.path.join(root, "checkpoints.sqlite"), check_same_thread=False))
        self.agent = create_agent(model, [act], system_prompt=INSTRUCTIONS, checkpointer=saver)
        self.config = {"configurable": {"thread_id": "s"}}

    def turn(self, name, message):
        from langchain_core.messages import HumanMessage
        state = self.agent.get_state(self.config)
        messages = state.values.get("messages", [])
        if state.next:
            # "An interrupted run goes on from the last checkpoint": with None for its input.
            messages = self.agent.invoke(None, self.config, durability="sync")["messages"]
        if not any(each.id == name for each in messages):
            given = {"messages": [HumanMessage(message, id=name)]}
            messages = self.agent.invoke(given, self.config, durability="sync")["messages"]
        mine = [index for index, each in enumerate(messages) if each.id == name][0]
        after = [each for each in messages[mine + 1:] if each.type == "human"]
        return messages[messages.index(after[0]) - 1 if after else -1].content


class OpenAI:
    def __init__(self, root, url, tool, boundary):
        import agents
        from openai import AsyncOpenAI

        class Model(agents.OpenAIChatCompletionsModel):
            async def get_response(self, *arguments, **options):
                number = boundary.asks()
                result = await super().get_response(*arguments, **options)
                boundary.reached("answered", number)
                return result

        @agents.function_tool
        async def act(number: int) -> str:
            """Acts."""
            return await asyncio.to_thread(tool.act, number)

        agents.set_tracing_disabled(True)
        client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
        self.agent = agents.Agent(name="agent", instructions=INSTRUCTIONS, tools=[act],
                                  model=Model(model="scripted", openai_client=client))
        self.session = agents.SQLiteSession("s", os.path.join(root, "sessions.sqlite"))
        self.run, self.loop = agents.Runner.run, asyncio.new_event_loop()

    def turn(self, name, message):
        # One loop for all turns: the client's connections belong to it.
        return self.loop.run_until_complete(self.turn_of(message))

    async def turn_of(self, message):
        items = await self.session.get_items()
        mine = [index for index, each in enumerate(items) if each.get("role") == "user" and each.get("content") == message]
        if mine and items[-1].get("role") == "assistant":
            after = [index for index, each in enumerate(items) if index > mine[0] and each.get("role") == "user"]
            return items[after[0] - 1 if after else -1]["content"][0]["text"]
        return (await self.run(self.agent, [] if mine else message, session=self.session)).final_output


class Strands:
    def __init__(self, root, url, tool, boundary):
        import strands
        from strands.models.openai import OpenAIModel
        from strands.session.file_session_manager import FileSessionManager

        class Model(OpenAIModel):
            async def stream(self, *arguments, **options):
                number = boundary.asks()
                # All of it: an answer that has arrived.
                events = [event async for event in super(Model, self).stream(*arguments, **options)]
                boundary.reached("answered", number)
                for event in events:
                    yield event

        @strands.tool
        def act(number: int) -> str:
            """Acts."""
            return tool.act(number)

        model = Model(client_args={"base_url": url, "api_key": "none", "max_retries": 0}, model_id="scripted")
        self.agent = strands.Agent(model=model, tools=[act], system_prompt=INSTRUCTIONS, callback_handler=None, agent_id="agent",
                                   session_manager=FileSessionManager(session_id="s", storage_dir=root), retry_strategy=None)

    def turn(self, name, message):
        def said(each):
            return "".join(part.get("text", "") for part in each["content"])

        messages = self.agent.messages
        mine = [index for index, each in enumerate(messages) if each["role"] == "user" and said(each) == message]
        is_complete = bool(messages) and messages[-1]["role"] == "assistant" and not any(
            "toolUse" in part for part in messages[-1]["content"])
        if mine and is_complete:
            after = [index for index, each in enumerate(messages) if index > mine[0] and each["role"] == "user" and said(each)]
            return said(messages[after[0] - 1 if after else -1])
        return str(self.agent(None if mine else message)).strip()


def main():
    name, _, *words = sys.argv[1:]
    options = dict(word.split("=", 1) for word in words)
    root, url, effects, at = (options.pop(key, None) for key in ("root", "url", "effects", "at"))
    os.makedirs(root, exist_ok=True)
    boundary = Boundary(at)
    session = {"langgraph": LangGraph, "openai": OpenAI, "strands": Strands}[name](root, url, Tool(effects, boundary), boundary)
    say("begin")
    for each, message in options.items():
        try:
            reply = session.turn(each, message)
        except Exception as error:  # is what is told
            say("error", "%s: %s" % (type(error).__name__, str(error).replace("\n", " ")[:300]))
            continue
        boundary.reached("reply", 1)
        say("answer", json.dumps({"reply": reply}))


if __name__ == "__main__":
    main()
