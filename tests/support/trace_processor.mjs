// Runs SQL on a trace in Perfetto's trace_processor, compiled to WebAssembly.
// Usage: node trace_processor.mjs FOLDER TRACE < [sql, ...] as JSON; prints [[row, ...], ...] as JSON.
// FOLDER holds trace_processor.wasm with the glue code of Perfetto's UI for it, made for a worker of
// a browser: three of its lines are changed here so that it runs in node.
import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import {pathToFileURL} from 'node:url';

const CHUNK = 32 << 20;
const EDITS = [
  ['this.useMemory64 = hasMemory64Support();', 'this.useMemory64 = false;'],
  ['locateFile: (s) => s,', 'locateFile: (s) => s, wasmBinary: globalThis.wasmBinary,'],
  ['onRuntimeInitialized: () => deferredRuntimeInitialized.resolve(),',
   'onRuntimeInitialized: () => { deferredRuntimeInitialized.resolve(); setTimeout(globalThis.isReady); },'],
  ['const wasmBridge = new wasm_bridge_1.WasmBridge();',
   'const wasmBridge = new wasm_bridge_1.WasmBridge(); globalThis.wasmBridge = wasmBridge;'],
];

const [folder, trace] = process.argv.slice(2);
const queries = JSON.parse(fs.readFileSync(0, 'utf8'));
console.log = console.warn = () => {};  // of the glue code and the engine
globalThis.self = globalThis;
globalThis.WorkerGlobalScope = function () {};
globalThis.location = {href: `${pathToFileURL(folder).href}/`};
globalThis.wasmBinary = new Uint8Array(fs.readFileSync(path.join(folder, 'trace_processor.wasm')));
let glue = fs.readFileSync(path.join(folder, 'engine_bundle.node.js'), 'utf8');
for (const [theirs, ours] of EDITS) {
  if (!glue.includes(theirs)) throw new Error(`the glue code has no ${theirs}`);
  glue = glue.replace(theirs, ours);
}
const ready = new Promise((resolve) => { globalThis.isReady = resolve; });
const {EngineBase} = await import(pathToFileURL(path.join(folder, 'engine.mjs')).href);
vm.runInThisContext(glue);
await ready;

const channel = new MessageChannel();
globalThis.wasmBridge.initialize(channel.port1);
class Engine extends EngineBase {
  mode = 'WASM';
  id = 'tests';
  constructor(port) {
    super();
    this.port = port;
    port.onmessage = (message) => this.onRpcResponseBytes(message.data);
  }
  rpcSendRequestBytes(data) { this.port.postMessage(data); }
}
const engine = new Engine(channel.port2);
const bytes = fs.readFileSync(trace);
for (let at = 0; at < bytes.length; at += CHUNK) {
  await engine.parse(new Uint8Array(bytes.subarray(at, at + CHUNK)));
}
await engine.notifyEof();
const answers = [];
for (const query of queries) {
  const result = await engine.query(query);
  const columns = result.columns();
  const rows = [];
  for (const row = result.iter({}); row.valid(); row.next()) {
    rows.push(columns.map((column) => {
      const value = row.get(column);
      return typeof value === 'bigint' ? Number(value) : value;
    }));
  }
  answers.push(rows);
}
process.stdout.write(JSON.stringify(answers), () => process.exit(0));
