/* page.js - the models that are loaded, as GET v1/models tells them.
 *
 * Whatever the service says is set as text. URLs are relative: a proxy may put the service under a prefix. */

const models = document.getElementById("models");
const summary = document.getElementById("summary");

/* element("dt", {class: "x"}, "text", child, ...) */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const count = new Intl.NumberFormat("en").format;
const counted = (n, noun) => `${count(n)} ${noun}${n === 1 ? "" : "s"}`;

async function ask(path) {
  const reply = await fetch(path, {headers: {Accept: "application/json"}});
  const body = await reply.json();
  if (!reply.ok) throw new Error(`${reply.status}: ${body.error}`);
  return body;
}

/* The state in words beside the colour: not everybody sees colours. */
function versionRow(version) {
  const serves = version.state === "AVAILABLE";
  const state = element("td", {}, element("span", {class: serves ? "good" : "bad"}, version.state.toLowerCase()));
  if (version.error) state.append(element("div", {}, version.error));
  return element("tr", {}, element("td", {}, version.version), state,
    element("td", {}, (version.labels ?? []).join(", ") || "—"));
}

function versionTable(versions) {
  const head = element("tr", {}, ...["Version", "State", "Labels"].map((text) => element("th", {scope: "col"}, text)));
  return element("table", {}, element("caption", {}, "Versions"), element("thead", {}, head),
    element("tbody", {}, ...versions.map(versionRow)));
}

function layerTable(layers) {
  const head = element("tr", {}, ...["Layer", "Activation", "Units"].map((text) => element("th", {scope: "col"}, text)));
  const rows = layers.map((layer) => element("tr", {}, element("td", {}, layer.name), element("td", {}, layer.activation),
    element("td", {}, count(layer.units))));
  return element("table", {class: "layers"}, element("caption", {}, "Layers"), element("thead", {}, head), element("tbody", {}, ...rows));
}

const port = ({name, shape}) => `${name}, ${shape.slice(1).map((n) => counted(n, "number")).join(" × ")} a row`;

function modelCard(model) {
  const card = element("article", {}, element("h2", {}, model.name));
  if (model.task) {
    const facts = {
      Task: model.task,
      Input: model.inputs.map(port).join("; "),
      Output: model.outputs.map(port).join("; "),
      Parameters: count(model.parameters_count),
      Units: count(model.layers.reduce((sum, layer) => sum + layer.units, 0)),
    };
    card.append(element("dl", {}, ...Object.entries(facts).flatMap(([name, fact]) =>
      [element("dt", {}, name), element("dd", {}, fact)])), layerTable(model.layers));
  }
  card.append(versionTable(model.versions));
  return card;
}

function note(...children) {
  models.replaceChildren(element("p", {class: "note"}, ...children));
}

function showModels(list) {
  const serving = list.filter((model) => model.versions.some((version) => version.state === "AVAILABLE")).length;
  summary.textContent = `${counted(list.length, "model")}, ${count(serving)} serving`;
  if (list.length > 0) models.replaceChildren(...list.map(modelCard));
  else note("No model is loaded. Start the service with a folder of models: ", element("code", {}, "axond --models DIR"),
    ". Activations and losses work without one.");
}

async function show() {
  models.setAttribute("aria-busy", "true");
  try {
    const [about, list] = await Promise.all([ask("./"), ask("v1/models")]);
    document.getElementById("version").textContent = about.version;
    showModels(list.models);
  } catch (error) {
    summary.textContent = "The service does not answer as it should.";
    note(`${error.message}. Is it running? Press Reload to ask again.`);
  }
  models.setAttribute("aria-busy", "false");
}

document.getElementById("reload").addEventListener("click", show);
show();
