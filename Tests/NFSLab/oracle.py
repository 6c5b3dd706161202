# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Reads sessions as a stranger: the stock `sqlite3` shell, on the server's own disk, on a copy of the two files."""

# Each row of the log with the request it names, the word that its text is made of, the text's length, and whether the
# text is that word over and over. Text cannot contain a bar or a line feed, as the writers write none.
ROWS = """
WITH rows AS (
  SELECT seq, turn, kind, ifnull(json_extract(body, '$.request'), '') AS request, json_extract(body, '$.text') AS text
  FROM log
), words AS (SELECT *, substr(text, 1, instr(text || ' ', ' ') - 1) AS word FROM rows)
SELECT 'row', seq, turn, kind, request, word, length(text), text = substr(
  replace(hex(zeroblob(length(text) / (length(word) + 1) + 1)), '00', word || ' '), 1, length(text))
FROM words ORDER BY seq;
SELECT 'settled', id, turn, EXISTS (
  SELECT 1 FROM log WHERE log.turn = requests.turn AND log.seq >= requests.seq AND outcome IS NOT NULL) FROM requests;
SELECT 'epoch', epoch FROM meta;
""".replace("\n", " ")


def read(lab, sessions, suffix=""):
    """What is in the sessions: for each, a list of lists of words, as text."""
    found = {}
    for session in sessions:
        files = "/export/root/agent/*/%s%s" % (session, suffix)
        said = lab.server.sh(
            "rm -rf /tmp/copy; mkdir /tmp/copy; cp %s/s.db /tmp/copy/; cp %s/s.db-wal /tmp/copy/; "
            "sqlite3 /tmp/copy/s.db \"SELECT 'integrity', integrity_check FROM pragma_integrity_check; %s\"" % (
                files, files, ROWS), limit=120)
        found[session] = [line.split("|") for line in said.splitlines()]
    return found


def complaints(rows, writers):
    """What is wrong with a session: what was acknowledged must be in it once and whole; what was not, at most once."""
    wrong = []
    integrity = [row[1:] for row in rows if row[0] == "integrity"]
    if integrity != [["ok"]]:
        wrong.append("integrity: %s" % (integrity or rows))
    log = [row[1:] for row in rows if row[0] == "row"]
    asked = {request: size for writer in writers for request, size in writer.asked.items()}
    if [int(row[0]) for row in log] != list(range(1, len(log) + 1)):
        wrong.append("the entries' numbers have gaps")
    requests, opened, place, turns = [], [], 0, 0
    while place < len(log):
        index, turns = place, turns + 1
        _, turn, kind, request, word, length, whole = log[index]
        reply = log[index + 1] if index + 1 < len(log) else None
        if kind == "input" and (reply is None or reply[2] == "input"):
            # The beginning of a turn that was committed by itself, and whose end was lost.
            opened.append(request)
            place += 1
            continue
        place += 2
        if reply is None:
            wrong.append("entry %d has no place in a turn" % (index + 1))
            continue
        requests.append(request)
        if (kind, word, whole) != ("input", request, "1") or int(length) != asked.get(request):
            wrong.append("entry %d is not what was to be written" % (index + 1))
        if reply[2] != "reply" or reply[4] != "re:" + request or reply[6] != "1" or int(reply[5]) != asked.get(request):
            wrong.append("the reply to %s is not what was to be written" % request)
        if turn != reply[1] or int(turn) != turns:
            wrong.append("%s is in turn %s and %s" % (request, turn, reply[1]))
    may_be_open = {request for writer in writers for request in writer.opened}
    for request in opened:
        if request not in may_be_open:
            wrong.append("half of the turn %s" % request)
    for request in sorted(set(requests)):
        if requests.count(request) > 1:
            wrong.append("%s is there %d times" % (request, requests.count(request)))
    for writer in writers:
        lost = [request for request in writer.acknowledged if request not in requests]
        if lost:
            wrong.append("acknowledged and lost: %s" % " ".join(lost))
        order = [int(each.split("/")[1]) for each in requests if each.startswith(writer.name + "/")]
        if order != sorted(order):
            wrong.append("the turns of %s are out of order" % writer.name)
    settled = {row[1] for row in rows if row[0] == "settled" and row[3] == "1"}
    if settled != set(requests):
        wrong.append("the requests and the log differ")
    return wrong


def judge(lab, writers):
    """Complaints by session."""
    sessions = {}
    for writer in writers:
        sessions.setdefault(writer.session, []).append(writer)
    rows = read(lab, sessions)
    return {session: complaints(rows[session], sessions[session]) for session in sessions}


def present(rows, request):
    return any(row[0] == "row" and row[4] == request for row in rows)
