// Ask axond from JavaScript with fetch: node fetch.mjs [http://localhost:8000]
//
// The class works in Node.js 18 and later and in browsers (the service must name the page's origin: --cors-origin). fetch keeps
// connections open by itself.

export class AxondError extends Error {
  constructor(status, {code, error}, requestId) {
    super(`${status} ${code}: ${error}`);
    Object.assign(this, {status, code, requestId});
  }
}

const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

export class Axond {
  constructor(base, {key, tries = 4, timeout = 30} = {}) {
    Object.assign(this, {base: base.replace(/\/$/, ""), key, tries, timeout});
  }

  /** Without a request id the service makes one. */
  async post(path, body, requestId) {
    const headers = {"Content-Type": "application/json"};
    if (requestId) headers["X-Request-Id"] = requestId;
    if (this.key) headers.Authorization = `Bearer ${this.key}`;
    for (let left = this.tries - 1; ; left--) {
      const response = await fetch(this.base + path, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(1000 * this.timeout),
      });
      const reply = await response.json(); // also that of an error: what is not read keeps the connection busy
      if (response.ok) return reply;
      if (![429, 503].includes(response.status) || left === 0)
        throw new AxondError(response.status, reply, response.headers.get("X-Request-Id") ?? requestId);
      await pause(Number(response.headers.get("Retry-After") ?? 1)); // busy, or not ready yet
    }
  }

  predict(model, rows, options = {}, requestId = undefined) {
    return this.post(`/v1/models/${encodeURIComponent(model)}:predict`, {instances: rows, ...options}, requestId);
  }
}

async function main() {
  const {readFile} = await import("node:fs/promises");
  const axond = new Axond(process.argv[2] ?? "http://localhost:8000", {key: process.env.API_KEY});
  const {instances} = JSON.parse(await readFile(new URL("../examples/digit.json", import.meta.url), "utf8"));

  const {classes: [[best]]} = await axond.predict("digits", instances, {top_k: 1}, "example-1");
  console.log(`label ${best.label}, score ${best.score.toFixed(4)}`);
  try {
    await axond.predict("digits", [[1, 2, 3]], {}, "example-2");
  } catch (error) {
    if (!(error instanceof AxondError)) throw error;
    console.log(`code ${error.code}, request ${error.requestId}`);
  }
}

// As a program, not as a module of a page or of another program.
if (globalThis.process?.argv?.[1] && import.meta.url === new URL(`file://${process.argv[1]}`).href) await main();
