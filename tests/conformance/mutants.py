"""Bugs as authors of drivers make them, one by one put into a driver that is right (`examples/harbor_driver.py`).

Each is a change of its text and the name of the check that must find it.
"""

# ruff: noqa: E501 (pieces of another file)

from __future__ import annotations

from typing import NamedTuple

__all__ = ["MUTANTS", "Mutant"]


class Mutant(NamedTuple):
    """A bug: what it is, the check that finds it, the text that is right, and what stands in its place."""

    title: str
    check: str
    right: str
    wrong: str


_READ = "test_answers_are_read_as_expected"
_OPTIONS = "test_options_are_sent_as_they_are"

_ANSWERS = [
    Mutant("texts are stripped", _READ, "return Text(text)\n", "return Text(text.strip())\n"),
    Mutant("texts without the first", _READ, "for block in blocks if", "for block in blocks[1:] if"),
    Mutant("thoughts are text", _READ, "choice.add_reasoning(thought)", "choice.add_text(thought)"),
    Mutant(
        "thoughts are lost",
        _READ,
        'if thought := as_str(payload.get("thought")):',
        'if thought := as_str(payload.get("think")):',
    ),
    Mutant("a thought is not handed out", _READ, "chunks.append(AIChunk(reasoning=thought))", "pass"),
    Mutant("the seal of a stream is lost", _READ, 'choice.sign_reasoning({self.wire.origin: {"seal": seal}})', "pass"),
    Mutant("the seal of a reply is lost", _READ, 'data = {self.origin: {"seal": seal}} if seal else {}', "data = {}"),
    Mutant("thinking that is hidden is lost", _READ, 'if seal or "thought" in block:', 'if "thought" in block:'),
    Mutant(
        "the seal is marked as another's",
        _READ,
        'data = {self.origin: {"seal": seal}}',
        'data = {"anthropic": {"seal": seal}}',
    ),
    Mutant(
        "two thoughts have the first one's seal",
        _READ,
        'choice.sign_reasoning({self.wire.origin: {"seal": seal}})',
        "self.seal = getattr(self, 'seal', seal); choice.sign_reasoning({self.wire.origin: {'seal': self.seal}})",
    ),
    Mutant(
        "texts are handed out twice",
        _READ,
        "chunks.append(AIChunk(content=text))",
        "chunks += [AIChunk(content=text)] * 2",
    ),
    Mutant(
        "chunks repeat what came",
        _READ,
        "chunks.append(AIChunk(content=text))",
        "chunks.append(AIChunk(content=self.answer.build().content))",
    ),
    Mutant(
        "names of calls are their ids",
        _READ,
        'as_str(call.get("id")) or name, name, given',
        "name, as_str(call.get('id')) or name, given",
    ),
    Mutant(
        "a reply's ids of calls are lost", _READ, 'ToolCall(as_str(call.get("id")) or name, name', "ToolCall(name, name"
    ),
    Mutant(
        "a stream's ids of calls are lost",
        _READ,
        'begun.id, begun.name = as_str(call.get("id")) or "",',
        'begun.id, begun.name = "",',
    ),
    Mutant(
        "pieces of arguments are mixed up",
        _READ,
        "choice.call(place).add_arguments(piece)",
        "choice.call(0).add_arguments(piece)",
    ),
    Mutant(
        "pieces of arguments are replaced",
        _READ,
        "choice.call(place).add_arguments(piece)",
        "choice.call(place).arguments = [piece]",
    ),
    Mutant("calls are not handed out", _READ, "chunks.append(AIChunk(tool_calls=calls))", "pass"),
    Mutant(
        "calls are handed out twice",
        _READ,
        "chunks.append(AIChunk(tool_calls=calls))",
        "chunks += [AIChunk(tool_calls=calls)] * 2",
    ),
    Mutant(
        "one call of two",
        _READ,
        "for block in blocks if (part := self.parse_block(as_dict(block), reply)) is not None]",
        "for block in blocks if (part := self.parse_block(as_dict(block), reply)) is not None][:2]\n        if len(parts) > 1 and isinstance(parts[1], ToolCall):\n            del parts[1]",
    ),
    Mutant("the limit is a good end", _READ, '"limit": "length"', '"limit": "stop"'),
    Mutant("calls are a good end", _READ, '"calls": "tool_calls"', '"calls": "other"'),
    Mutant(
        "unknown ends are good",
        "test_unknown_endings_are_other",
        'finish_reason=ENDINGS.get(ending or "", "other")',
        'finish_reason=ENDINGS.get(ending or "", "stop")',
    ),
    Mutant(
        "unknown ends of streams are good",
        "test_unknown_endings_are_other",
        'ENDINGS.get(ending, "other"), ending',
        'ENDINGS.get(ending, "stop"), ending',
    ),
    Mutant(
        "the service's word for the end is lost",
        _READ,
        "raw_finish_reason=ending,",
        "raw_finish_reason=ENDINGS.get(ending or ''),",
    ),
    Mutant("the id is lost", _READ, '            id=as_str(payload.get("id")),\n', ""),
    Mutant(
        "the model is lost in streams", _READ, 'answer.model = as_str(payload.get("model")) or answer.model', "pass"
    ),
    Mutant(
        "input and output are mixed up",
        _READ,
        'input_tokens=as_int(meter.get("read"))',
        'input_tokens=as_int(meter.get("written"))',
    ),
    Mutant(
        "input without what was cached",
        _READ,
        'input_tokens=as_int(meter.get("read")),',
        'input_tokens=(as_int(meter.get("read")) or 0) - (as_int(meter.get("remembered")) or 0),',
    ),
    Mutant(
        "thinking is output once more",
        _READ,
        'output_tokens=as_int(meter.get("written"))',
        'output_tokens=(as_int(meter.get("written")) or 0) + (as_int(meter.get("thought")) or 0)',
    ),
    Mutant("cached tokens are lost", _READ, '        cached_input_tokens=as_int(meter.get("remembered")),\n', ""),
    Mutant(
        "missing counts are 0",
        "test_missing_counts_stay_unknown",
        'as_int(meter.get("remembered"))',
        'as_int(meter.get("remembered")) or 0',
    ),
    Mutant(
        "meters add up",
        "test_repeated_meters_do_not_add_up",
        "answer.usage = parse_meter(payload)",
        "answer.usage = answer.usage + parse_meter(payload) if answer.usage else parse_meter(payload)",
    ),
    Mutant(
        "the first meter counts", _READ, 'if "meter" in payload:', 'if "meter" in payload and answer.usage is None:'
    ),
    Mutant(
        "the reported cost of replies is lost",
        _READ,
        "            cost=parse_price(payload),\n            raw=payload,",
        "            raw=payload,",
    ),
    Mutant("the reported cost of streams is lost", _READ, "answer.cost = parse_price(payload)", "pass"),
    Mutant("the reported cost is in cents", _READ, "return Cost(amount, source", "return Cost(amount / 100, source"),
    Mutant("the reply is not kept", "test_whole_reply_is_read", "            raw=payload,\n", ""),
    Mutant(
        "text is read as Latin-1",
        _READ,
        "payload = decode_json(event)\n",
        "payload = decode_json(event.decode('latin-1').encode())\n",
    ),
]
_STREAMS = [
    Mutant(
        "any end is a good one",
        "test_a_cut_stream_is_never_a_success",
        "    def _parse_call",
        "    def end(self, chunks):\n        self.complete = True\n\n    def _parse_call",
    ),
    Mutant(
        "the first text is the end",
        "test_a_cut_stream_is_never_a_success",
        "choice.add_text(text)",
        "choice.add_text(text); self.complete = True",
    ),
    Mutant(
        "what was held is lost",
        "test_every_split_gives_the_same",
        "        del self._held[:start]\n",
        "        self._held.clear()\n",
    ),
    Mutant("frames have no limit", "test_framing_is_bounded", "> self._limit:", "> 1 << 40:"),
    Mutant(
        "decoders share what they hold",
        "test_streams_share_nothing",
        "        self._held = bytearray()\n",
        "        self._held = HELD\n",
    ),
    Mutant(
        "decoders share their calls",
        "test_streams_share_nothing",
        '        place = as_int(payload.get("place"))',
        "        choice.calls = self.wire.__dict__.setdefault('calls', choice.calls); place = as_int(payload.get('place'))",
    ),
    Mutant(
        "faults in streams are passed over",
        "test_errors_in_streams_are_raised",
        '        if payload.get("fault"):\n            raise self.wire.map_payload(payload)\n        answer, choice',
        "        answer, choice",
    ),
    Mutant(
        "a fault ends a stream well",
        "test_errors_in_streams_are_raised",
        '        if payload.get("fault"):\n            raise self.wire.map_payload(payload)\n        answer, choice',
        '        if payload.get("fault"):\n            self.complete = self.closed = True\n            return None\n        answer, choice',
    ),
    Mutant("streams are not asked for", "test_streams_are_asked_for", '"stream": prompt.stream', '"stream": False'),
    Mutant(
        "a frame is trusted",
        "test_mutated_streams_raise_our_errors",
        '        if not isinstance(payload, dict):\n            raise self.wire.invalid_response("a frame is not an object", event)\n',
        "",
    ),
]
_ERRORS = [
    Mutant(
        "faults in replies are passed over",
        "test_known_errors_are_mapped",
        '        if payload.get("fault"):\n            raise self.map_payload(payload)\n        return payload',
        "        return payload",
    ),
    Mutant(
        "the service's words are not read",
        "test_known_errors_are_mapped",
        'facts.code, facts.message = as_str(fault.get("kind"))',
        "facts.code, facts.message = None",
    ),
    Mutant("busy is a failure", "test_known_errors_are_mapped", '"busy": RateLimitError', '"busy": ServerError'),
    Mutant(
        "no credit is a rate limit",
        "test_known_errors_are_mapped",
        '"no_credit": QuotaExceededError',
        '"no_credit": RateLimitError',
    ),
    Mutant("the wait is lost", "test_known_errors_are_mapped", 'wait = fault.get("wait")', "wait = None"),
    Mutant("the wait is in milliseconds", "test_known_errors_are_mapped", "float(wait) if", "float(wait) / 1000 if"),
    Mutant(
        "what is no answer is an empty one",
        "test_an_error_is_never_an_answer",
        '        if not isinstance(blocks, list):\n            raise self.invalid_response("it has no blocks", reply.body)\n',
        "        blocks = as_list(blocks)\n",
    ),
    Mutant(
        "what is no list of models is an empty one",
        "test_errors_in_a_model_list_are_raised",
        '        if not isinstance(items, list):\n            raise self.invalid_response("it has no list of models", reply.body)\n',
        "        items = as_list(items)\n",
    ),
    Mutant(
        "statuses do not count",
        "test_statuses_are_mapped",
        "        facts = super().parse_error(reply)\n",
        "        facts = super().parse_error(reply)\n        facts.status = None\n",
    ),
]
_REQUESTS = [
    Mutant(
        "0 is absent",
        "test_every_option_is_sent_warned_of_or_refused",
        "            if name in SETTINGS:\n",
        "            if not value:\n                continue\n            if name in SETTINGS:\n",
    ),
    Mutant(
        "options are lost without a word",
        "test_every_option_is_sent_warned_of_or_refused",
        '                prompt.warn(f"{self.name} takes no {name}; it was left out.")\n        for tool',
        "                pass\n        for tool",
    ),
    Mutant(
        "one stop string",
        _OPTIONS,
        "            if name in SETTINGS:\n",
        '            if name == "stop":\n                value = value[:1]\n            if name in SETTINGS:\n',
    ),
    Mutant(
        "whole temperatures",
        _OPTIONS,
        "            if name in SETTINGS:\n",
        "            if name == 'temperature':\n                value = int(value)\n            if name in SETTINGS:\n",
    ),
    Mutant(
        "a seed is a float",
        _OPTIONS,
        "            if name in SETTINGS:\n",
        "            if name == 'seed':\n                value = value / 2\n            if name in SETTINGS:\n",
    ),
    Mutant(
        "two options are mixed up",
        "test_options_have_places_of_their_own",
        '"top_p": "nucleus"',
        '"top_p": "temperature"',
    ),
    Mutant(
        "an option has another's name",
        "test_options_have_places_of_their_own",
        '"max_tokens": "longest"',
        '"max_tokens": "max_tokens"',
    ),
    Mutant(
        "tool_choice is lost",
        "test_tool_choices_are_distinct",
        'body["tool_use"] = TOOL_USE.get(value) or {"tool": value}',
        'body["tool_use"] = "free"',
    ),
    Mutant(
        "a named tool is any tool",
        "test_tool_choices_are_distinct",
        'TOOL_USE.get(value) or {"tool": value}',
        'TOOL_USE.get(value) or "must"',
    ),
    Mutant("required is auto", "test_tool_choices_are_distinct", '"required": "must"', '"required": "free"'),
    Mutant(
        "the schema of the answer is lost",
        "test_output_format_is_rendered",
        'if form.schema is None else {"kind": "schema", "schema": form.schema}',
        'if form.schema is None else {"kind": "schema"}',
    ),
    Mutant("tools without what they take", "test_tools_are_rendered", ', "takes": tool.parameters}', "}"),
    Mutant("tools without what they do", "test_tools_are_rendered", '"about": tool.description', '"about": ""'),
    Mutant(
        "one tool",
        "test_tools_are_sent_or_refused",
        'body.setdefault("tools", []).append(told)',
        'body["tools"] = [told]',
    ),
    Mutant(
        "the model is a fixed one",
        "test_unknown_models_are_sent",
        '"model": prompt.model, "stream"',
        '"model": "m-1", "stream"',
    ),
    Mutant(
        "extra replaces objects",
        "test_extra_is_sent",
        '        body = merge(body, prompt.extra)\n        return self.build_post("answers"',
        '        body = {**body, **prompt.extra}\n        return self.build_post("answers"',
    ),
    Mutant(
        "extra headers are lost",
        "test_extra_is_sent",
        "stream=prompt.stream, headers=prompt.extra_headers)",
        "stream=prompt.stream)",
    ),
    Mutant(
        "the prompt is changed",
        "test_building_is_pure",
        "        for tool in prompt.tools:\n",
        "        prompt.messages.append(prompt.messages[-1])\n        for tool in prompt.tools:\n",
    ),
    Mutant(
        "requests share their settings",
        "test_building_is_pure",
        '"turns": turns, "settings": {}}',
        '"turns": turns, "settings": SHARED}\n        SHARED[str(len(SHARED))] = 1',
    ),
]
_TURNS = [
    Mutant(
        "the model's turns are the user's", "test_roles_stay_distinct", '"assistant": "model"', '"assistant": "user"'
    ),
    Mutant("system turns are the user's", "test_roles_stay_distinct", '{"system": "system", ', '{"system": "user", '),
    Mutant(
        "the roles are mixed up",
        "test_requests_are_as_documented",
        '"user": "user", "assistant": "model"',
        '"user": "model", "assistant": "user"',
    ),
    Mutant(
        "system turns are lost",
        "test_instructions_are_sent_wherever_they_stand",
        "for message in prompt.messages]",
        "for message in prompt.messages if message.role != 'system']",
    ),
    Mutant(
        "the last message alone",
        "test_every_turn_is_sent_in_order",
        "for message in prompt.messages]",
        "for message in prompt.messages[-1:]]",
    ),
    Mutant(
        "the order is turned round",
        "test_every_turn_is_sent_in_order",
        "for message in prompt.messages]",
        "for message in reversed(prompt.messages)]",
    ),
    Mutant(
        "the first text of a message",
        "test_every_part_of_a_turn_is_sent",
        "for part in message.parts if",
        "for part in message.parts[:1] if",
    ),
    Mutant("results are lost", "test_tool_turns_are_rendered", '"blocks": blocks, "failed"', '"blocks": [], "failed"'),
    Mutant(
        "results do not name their calls",
        "test_an_answer_goes_back_as_it_came",
        '"of": result.tool_call_id',
        '"of": "c"',
    ),
    Mutant(
        "calls of the past have another id",
        "test_an_answer_goes_back_as_it_came",
        'return {"call": {"id": part.id,',
        'return {"call": {"id": "c",',
    ),
    Mutant(
        "failures of tools are lost", "test_failed_results_are_told", '"failed": result.is_error', '"failed": False'
    ),
    Mutant(
        "arguments of past calls are lost", "test_tool_turns_are_rendered", '"input": part.arguments}}', '"input": {}}}'
    ),
    Mutant(
        "thoughts do not go back",
        "test_an_answer_goes_back_as_it_came",
        'return {"thought": part.text, "seal": seal}',
        "return None",
    ),
    Mutant(
        "texts are changed",
        "test_requests_are_as_documented",
        'return {"text": part.text}\n',
        'return {"text": part.text.lower()}\n',
    ),
    Mutant(
        "pictures disappear", "test_images_are_rendered", 'return {"image": part.data_url("image/png")}', "return None"
    ),
]
_ANSWERS += [
    Mutant(
        "blank pieces are lost",
        "test_blanks_are_text",
        'if text := as_str(payload.get("text")):\n            choice.add_text(text)',
        'if (text := as_str(payload.get("text"))) and text.strip():\n            choice.add_text(text)',
    ),
    Mutant(
        "a cost of nothing is unknown",
        "test_nothing_is_a_count_and_a_cost",
        "if amount.is_finite() and amount >= 0 else None",
        "if amount.is_finite() and amount > 0 else None",
    ),
    Mutant(
        "a count of nothing is unknown",
        "test_nothing_is_a_count_and_a_cost",
        'as_int(meter.get("thought"))',
        'as_int(meter.get("thought")) or None',
    ),
    Mutant(
        "the reply is changed while it is read",
        "test_whole_reply_is_read",
        'payload.get("blocks"), as_str',
        'payload.pop("blocks", None), as_str',
    ),
    Mutant(
        "thoughts of a stream come after the text",
        "test_stream_means_what_the_whole_means",
        "            choice.add_text(text)\n",
        "            choice.parts.insert(0, Text(text))\n",
    ),
]
_ERRORS += [
    Mutant(
        "the service's words are lost",
        "test_known_errors_are_mapped",
        'as_str(fault.get("text")) or "it says no more"',
        '"it failed"',
    ),
]
_TURNS += [
    Mutant(
        "pictures are of one type",
        "test_images_are_rendered",
        'part.data_url("image/png")',
        'f"data:image/jpeg;base64,{part.base64}"',
    ),
    Mutant(
        "documents of plain text disappear",
        "test_media_are_sent_or_refused",
        'return {"text": part.plain_text}',
        "return None",
    ),
    Mutant(
        "pictures in results disappear",
        "test_media_are_sent_or_refused",
        "blocks = [block for part in given if",
        "blocks = [block for part in given if isinstance(part, Text) if",
    ),
]
_REQUESTS += [
    Mutant(
        "the address is a fixed one",
        "test_requests_go_to_the_base_url",
        'self.build_get("models")\n',
        'Request(method="GET", url="https://api.harbor.example/v1/models")\n',
    ),
    Mutant(
        "schemas are changed in place",
        "test_building_is_pure",
        "            told = {",
        '            tool.parameters.pop("additionalProperties", None)\n            told = {',
    ),
    Mutant(
        "extra is changed in place",
        "test_building_is_pure",
        '        body = merge(body, prompt.extra)\n        return self.build_post("answers"',
        '        prompt.extra["seen"] = True\n        body = merge(body, prompt.extra)\n        return self.build_post("answers"',
    ),
    Mutant(
        "settings of another prompt are remembered",
        "test_building_is_pure",
        "            if name in SETTINGS:\n",
        "            body['settings'] = SHARED\n            if name in SETTINGS:\n",
    ),
]
_SECRETS = [
    Mutant(
        "the key is in the address",
        "test_every_request_is_authenticated",
        'return self.build_get("models")\n',
        'return self.build_get("models", key=self.config.api_key.reveal())\n',
    ),
    Mutant(
        "the key is in the body of embeddings",
        "test_every_request_is_authenticated",
        '"texts": request.input}',
        '"texts": request.input, "key": self.config.api_key.reveal()}',
    ),
    Mutant(
        "the key is sent beside its signature",
        "test_a_secret_that_signs_is_not_sent",
        '"x-time": time,',
        '"x-time": time, "x-key": key,',
    ),
    Mutant(
        "lists are not signed",
        "test_every_request_is_authenticated",
        "        time = str(int(now))\n",
        "        if request.method == 'GET' and 'after' in request.url:\n            return request\n        time = str(int(now))\n",
    ),
    Mutant("the body is not signed", "test_a_secret_that_signs_is_not_sent", ' + (request.body or b"")', ""),
    Mutant(
        "the time is not signed",
        "test_a_secret_that_signs_is_not_sent",
        '"\\n".join((time, request.method',
        '"\\n".join((request.method',
    ),
    Mutant(
        "signing changes what it is given",
        "test_a_secret_that_signs_is_not_sent",
        "        return msgspec.structs.replace(request, headers={**request.headers,",
        "        request.headers['x-signed'] = '1'\n        return msgspec.structs.replace(request, headers={**request.headers,",
    ),
]
_SERVICES = [
    Mutant(
        "the second page is not read", "test_models_are_as_expected", "if following else None", "if False else None"
    ),
    Mutant(
        "the same page again and again",
        "test_models_are_as_expected",
        'self.build_get("models", after=following)',
        'self.build_get("models")',
    ),
    Mutant("models have no names", "test_models_are_as_expected", 'name=as_str(item.get("label"))', "name=None"),
    Mutant(
        "the context is in thousands",
        "test_models_are_as_expected",
        'context_length=as_int(item.get("window"))',
        'context_length=(as_int(item.get("window")) or 0) // 1000 or None',
    ),
    Mutant(
        "vectors in the order of the reply",
        "test_embeddings_are_as_expected",
        "vectors = [found.get(place) for place in range(len(request.input))]",
        "vectors = list(found.values())",
    ),
    Mutant(
        "the first text alone is embedded",
        "test_embeddings_are_as_expected",
        '"texts": request.input}',
        '"texts": request.input[:1]}',
    ),
    Mutant(
        "the usage of embeddings is lost",
        "test_embeddings_are_as_expected",
        "            usage=parse_meter(payload),\n            cost=parse_price(payload),\n            model=",
        "            model=",
    ),
    Mutant(
        "dimensions are lost", "test_embedding_options_are_sent_or_told", 'body["size"] = request.dimensions', "pass"
    ),
    Mutant(
        "missing vectors are empty",
        "test_hostile_embeddings_raise_our_errors",
        "if not all(isinstance(vector, list)",
        "if False and not all(isinstance(vector, list)",
    ),
    Mutant(
        "prices per thousand", "test_prices_are_known_or_unknown", 'input=Decimal("0.02")', 'input=Decimal("0.00002")'
    ),
    Mutant(
        "every tier costs the same",
        "test_prices_are_known_or_unknown",
        "(PRICES.get(model) if variant is None else None)",
        "PRICES.get(model)",
    ),
    Mutant(
        "unknown prices are guessed",
        "test_prices_are_known_or_unknown",
        "(PRICES.get(model) if",
        "(PRICES.get(model, PRICES['m-vectors']) if",
    ),
    Mutant(
        "prices of the settings do not count",
        "test_prices_are_known_or_unknown",
        "return super().pricing(model, variant) or (",
        "return (",
    ),
]
_CONTRACT = [
    Mutant(
        "the clock is read",
        "test_modules_do_no_io",
        "        time = str(int(now))\n",
        "        from datetime import datetime\n        time = str(int(datetime.now().timestamp()))\n",
    ),
    Mutant("something is waited for", "test_modules_do_no_io", "import hmac\n", "import hmac\nimport time as clock\n"),
    Mutant(
        "embeddings are built and not read",
        "test_hooks_are_whole_or_absent",
        "def parse_embeddings",
        "def read_embeddings",
    ),
    Mutant(
        "sound is claimed for nothing",
        "test_claims_agree_with_hooks",
        "    decoder_class = HarborDecoder\n",
        "    decoder_class = HarborDecoder\n\n    def supports_vision(self):\n        return False\n",
    ),
]

_DETAILS = [
    Mutant(
        "a refused answer is a good one",
        "test_known_endings_are_read",
        '"blocked": "content_filter"',
        '"blocked": "stop"',
    ),
    Mutant(
        "tools of the service's own are dropped",
        "test_tools_of_the_provider_are_not_lost",
        '                raise self.unsupported("tools of its own")\n',
        "                continue\n",
    ),
    Mutant(
        "pictures by their address are dropped",
        "test_media_are_not_lost",
        'raise self.unsupported("images by their address")',
        "return None",
    ),
    Mutant(
        "tools in another order",
        "test_tools_keep_their_order",
        'body.setdefault("tools", []).append(told)',
        'body.setdefault("tools", []).insert(0, told)',
    ),
    Mutant(
        "a cost in another currency",
        "test_answers_are_read_as_expected",
        'Cost(amount, source="reported by Harbor")',
        'Cost(amount, currency="EUR", source="reported by Harbor")',
    ),
    Mutant("the service's own counts are lost", "test_answers_are_read_as_expected", "        raw=meter,\n", ""),
    Mutant("what the list says of a model is lost", "test_models_are_as_expected", ", raw=item)", ")"),
    Mutant(
        "the model of embeddings is lost",
        "test_embeddings_tell_what_they_cost",
        '            model=as_str(payload.get("model")),\n        )\n\n\ndef',
        "        )\n\n\ndef",
    ),
    Mutant(
        "the cost of embeddings is lost",
        "test_embeddings_tell_what_they_cost",
        "            usage=parse_meter(payload),\n            cost=parse_price(payload),\n            model",
        "            usage=parse_meter(payload),\n            model",
    ),
    Mutant(
        "faults in embeddings are passed over",
        "test_errors_in_operations_are_raised",
        "        payload = self.decode_well(reply)\n        items = map",
        "        payload = self.decode(reply)\n        items = map",
    ),
    Mutant(
        "the query is not signed",
        "test_signatures_cover_the_request",
        "time, request.method, request.url)",
        'time, request.method, request.url.partition("?")[0])',
    ),
    Mutant(
        "the method is not signed",
        "test_signatures_cover_the_request",
        "time, request.method, request.url)",
        'time, "POST", request.url)',
    ),
    Mutant(
        "signing takes headers away",
        "test_signatures_cover_the_request",
        'headers={**request.headers, "x-time"',
        'headers={"x-time"',
    ),
    Mutant("every key signs alike", "test_signatures_cover_the_request", "hmac.new(key.encode()", 'hmac.new(b"k"'),
    Mutant(
        "a default of one's own", "test_nothing_is_sent_unasked", '"settings": {}}', '"settings": {"temperature": 1}}'
    ),
    Mutant("a named tool is a bare text", "test_requests_are_as_documented", 'or {"tool": value}', "or value"),
    Mutant(
        "pictures without their type",
        "test_requests_are_as_documented",
        'part.data_url("image/png")',
        'part.data_url("image/png").partition(",")[2]',
    ),
    Mutant(
        "any object is a schema",
        "test_requests_are_as_documented",
        '{"kind": "object"} if form.schema is None else',
        '{"kind": "schema", "schema": {}} if form.schema is None else',
    ),
    Mutant("the next page by another name", "test_models_are_as_expected", "after=following", "before=following"),
    Mutant(
        "results never fail",
        "test_requests_are_as_documented",
        '"failed": result.is_error',
        '"failed": not result.is_error',
    ),
    Mutant(
        "turns of the assistant are the user's",
        "test_roles_stay_distinct",
        '"assistant": "model"',
        '"assistant": "user"',
    ),
    Mutant(
        "the last tool alone",
        "test_tools_keep_their_order",
        'body.setdefault("tools", []).append(told)',
        'body["tools"] = [told]',
    ),
    Mutant(
        "no meter counts but the first",
        "test_answers_are_read_as_expected",
        'if "meter" in payload:',
        'if "meter" in payload and answer.usage is None:',
    ),
    Mutant(
        "a pulse ends the stream",
        "test_answers_are_read_as_expected",
        "return self.pass_over()",
        "self.complete = self.closed = True; return None",
    ),
    Mutant(
        "lengths are read backwards",
        "test_answers_are_read_as_expected",
        "int.from_bytes(self._held[start : start + 4])",
        'int.from_bytes(self._held[start : start + 4], "little")',
    ),
    Mutant(
        "the id of a stream is lost in the end",
        "test_answers_are_read_as_expected",
        'answer.id = as_str(payload.get("id")) or answer.id',
        'answer.id = as_str(payload.get("id"))',
    ),
    Mutant(
        "costs pass a float",
        "test_answers_are_read_as_expected",
        'Decimal(as_str(payload.get("price")) or "")',
        'Decimal(float(as_str(payload.get("price")) or "nan"))',
    ),
    Mutant(
        "the wait is in minutes",
        "test_known_errors_are_mapped",
        "facts.retry_after = float(wait)",
        "facts.retry_after = float(wait) * 60",
    ),
    Mutant(
        "labels are ids",
        "test_models_are_as_expected",
        "AIModel(id=name, name",
        'AIModel(id=as_str(item.get("label")) or name, name',
    ),
]

MUTANTS = [*_ANSWERS, *_STREAMS, *_ERRORS, *_REQUESTS, *_TURNS, *_SECRETS, *_SERVICES, *_CONTRACT, *_DETAILS]
