// The AI SDK of Vercel with @ai-sdk/openai, on both of OpenAI's wires.
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, jsonSchema, streamText, tool } from 'ai';

const [url, api] = process.argv.slice(2);
const provider = createOpenAI({ apiKey: 'sk-test', baseURL: url });
const model = api === 'chat' ? provider.chat('mock') : provider.responses('mock');
const prompt = 'Hi';
const found = {};

found.text = (await generateText({ model, prompt, maxRetries: 0 })).text;

const streamed = streamText({ model, prompt, maxRetries: 0 });
let said = '';
for await (const piece of streamed.textStream) said += piece;
found.streamed = said;

const schema = jsonSchema({
  type: 'object', properties: { a: { type: 'integer' } }, required: ['a'], additionalProperties: false,
});
const add = tool({ description: 'Adds.', inputSchema: schema });
const called = await generateText({ model, prompt, tools: { add }, maxRetries: 0 });
found.called = called.toolCalls[0].input;

try {
  const failing = api === 'chat' ? provider.chat('mock-error-429') : provider.responses('mock-error-429');
  await generateText({ model: failing, prompt, maxRetries: 0 });
} catch (error) {
  found.failed = error.statusCode ?? error.lastError?.statusCode;
}
console.log(JSON.stringify(found));
