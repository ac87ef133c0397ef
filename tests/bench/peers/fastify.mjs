// fastify.mjs PORT ONNX - every .onnx of a folder over Fastify and ONNX Runtime; run in the folder that has node_modules.
//
// Written for speed: no logger, no schema check, JSON.parse without a scan for __proto__, one flat Float32Array in, one
// compute thread. session.run() is asynchronous; onnxruntime-node has no other.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.cwd(), 'index.js'));
const fastify = require('fastify');
const ort = require('onnxruntime-node');

const [port, folder] = process.argv.slice(2);
const MIB = 1 << 20;
const app = fastify({
  logger: false,
  bodyLimit: 64 * MIB,
  keepAliveTimeout: 600_000,
  onProtoPoisoning: 'ignore',
  onConstructorPoisoning: 'ignore',
});

function flat(rows, features) {
  const values = new Float32Array(rows.length * features);
  for (let r = 0, at = 0; r < rows.length; r++) {
    const row = rows[r];
    for (let i = 0; i < features; i++) values[at++] = row[i];
  }
  return values;
}

function nested(values, rows, units) {
  const lists = new Array(rows);
  for (let r = 0; r < rows; r++) lists[r] = Array.from(values.subarray(r * units, (r + 1) * units));
  return lists;
}

async function serve(file) {
  const session = await ort.InferenceSession.create(join(folder, file), {
    executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: 'all',
  });
  // '::' is how Fastify's router writes ':'.
  app.post(`/v1/models/${file.replace(/\.onnx$/, '')}::predict`, async (request, reply) => {
    const rows = request.body.instances;
    const features = rows[0].length;
    const x = new ort.Tensor('float32', flat(rows, features), [rows.length, features]);
    const { y } = await session.run({ x });
    reply.header('content-type', 'application/json');
    return JSON.stringify({ predictions: nested(y.data, rows.length, y.dims[1]) });
  });
}

for (const file of readdirSync(folder)) if (file.endsWith('.onnx')) await serve(file);
app.get('/v2/health/ready', async () => ({ ready: true }));
await app.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
