// page.js: draws the status page from /v1/status, and explains a domain by /v1/policy/KEY
//
// What comes from the network goes into the page as text nodes only. No style attributes, no HTML
// from strings: the content security policy allows neither.
// SPDX-License-Identifier: BSD-3-Clause
"use strict";

const CLASSES = ["dane", "enforce", "may", "override", "tempfail", "none"];
const MEANING = {
  dane: "authenticated or encrypted by DANE",
  enforce: "authenticated by MTA-STS",
  may: "no promise found",
  override: "as the operator says",
  tempfail: "deferred",
  none: "no destination that can have a policy",
};
const EVERY = 10000; // ms
const BARS = 72;
const SVG = "http://www.w3.org/2000/svg";

const byId = (id) => document.getElementById(id);

// An element with attributes and children; strings become text.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  return filled(element, attributes, children);
}

function draw(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") element.addEventListener("click", value);
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

const show = (id, ...children) => byId(id).replaceChildren(...children);

// --- Words and numbers -----------------------------------------------------------------------

const sum = (values) => values.reduce((a, b) => a + b, 0);
const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const count = (n) => (n < 10000 ? whole.format(n) : short.format(n));
const percent = (part, all) => {
  if (all === 0) return "0 %";
  const share = (100 * part) / all;
  return (share > 0 && share < 1 ? "< 1" : share > 99 && share < 100 ? "> 99" : share.toFixed(0)) + " %";
};
const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;

// The two largest units, as the tool writes them.
function span(seconds) {
  const units = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];
  let rest = Math.max(0, Math.round(seconds));
  const first = Math.max(0, units.findIndex(([, size]) => rest >= size));
  const at = rest === 0 ? 3 : first;
  const parts = [];
  for (const [unit, size] of units.slice(at, at + 2)) {
    const n = Math.floor(rest / size);
    if (n > 0 || parts.length === 0) parts.push(n + unit);
    rest -= n * size;
  }
  return parts.join(" ");
}

function octets(n) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let at = 0;
  for (; n >= 1024 && at < 3; at++) n /= 1024;
  return `${n < 10 && at > 0 ? n.toFixed(1) : n.toFixed(0)} ${units[at]}`;
}

const milliseconds = (ms) => (ms < 1000 ? [`${ms}`, "ms"] : [(ms / 1000).toFixed(1), "s"]);
const clock = (date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
const withZone = (date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false, timeZoneName: "short" });

function when(text, now) {
  const seconds = (now - new Date(text)) / 1000;
  const words = seconds >= 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
  return make("time", { datetime: text, title: text }, words);
}

// --- Charts ----------------------------------------------------------------------------------

// Minutes gathered into at most BARS groups of equal length, [[from, to), ...]: what is left over
// at the beginning is left out.
function groups(length) {
  const size = Math.max(1, Math.ceil(length / BARS));
  const out = [];
  for (let to = length; to >= size; to -= size) out.unshift([to - size, to]);
  return out;
}

// A round number at or above, for the scale.
function ceiling(value) {
  const step = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  const rungs = [1, 1.2, 1.6, 2, 3, 4, 6, 8, 10, 20].map((n) => Math.round(n * step));
  return rungs.find((n) => n >= value && n % 2 === 0); // its half is on the scale, too
}

// The frame: grid, scale and times. `paint(x, y, width)` gives what is within.
function chart(id, label, most, minutes, now, unit, paint) {
  const width = Math.max(240, byId(id).clientWidth), height = 130, left = 52, bottom = 20, top = 8;
  const high = ceiling(most);
  const slots = groups(minutes).length;
  const step = (width - left) / Math.max(slots, 24);
  const begin = width - slots * step; // a short history stands at the right
  const x = (at) => begin + at * step;
  const y = (value) => height - bottom - (value / high) * (height - bottom - top);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label });
  for (const part of [0, 0.5, 1]) {
    const line = Math.round(y(high * part)) + 0.5;
    svg.append(draw("line", { class: "grid", x1: left, x2: width, y1: line, y2: line }),
               draw("text", { x: left - 6, y: line + 4, "text-anchor": "end" }, unit(high * part)));
  }
  const marks = width < 420 ? 2 : 4;
  for (let n = 0; n <= marks; n++) {
    const at = left + ((width - left) * n) / marks;
    const ago = ((width - at) / (width - left)) * (Math.max(slots, 24) / slots) * minutes;
    svg.append(draw("text", { x: at, y: height - 4, "text-anchor": n === 0 ? "start" : n === marks ? "end" : "middle" },
                    n === marks ? "now" : clock(new Date(now - ago * 60000))));
  }
  svg.append(...paint(x, y, step));
  show(id, svg);
}

function spanOf([from, to], minutes, now) {
  return `${clock(new Date(now - (minutes - from) * 60000))}–${withZone(new Date(now - (minutes - to) * 60000))}`;
}

// Columns of stacked parts: series is [[name, css class, values], ...].
function columns(id, label, series, now, noun) {
  const minutes = series[0][2].length;
  const slots = groups(minutes);
  const totals = slots.map(([from, to]) => series.map(([, , values]) => sum(values.slice(from, to))));
  const most = Math.max(...totals.map(sum));
  chart(id, label, most, minutes, now, count, (x, y, step) => totals.map((parts, at) => {
    const words = parts.map((n, i) => (n > 0 && series.length > 1 ? `\n${series[i][0]} ${count(n)}` : "")).join("");
    const group = draw("g", {}, draw("title", {}, `${spanOf(slots[at], minutes, now)}: ${plural(sum(parts), ...noun)}${words}`));
    let below = 0;
    parts.forEach((n, i) => {
      if (n === 0) return;
      group.append(draw("rect", { class: series[i][1], x: x(at) + step * 0.12, width: step * 0.76,
                                  y: y(below + n), height: Math.max(0.5, y(below) - y(below + n)) }));
      below += n;
    });
    return group;
  }));
}

// Lines over the groups in which there was a lookup; the greatest of each group.
function lines(id, label, series, weights, now) {
  const minutes = weights.length;
  const slots = groups(minutes);
  const points = series.map(([, , values]) => slots.map(([from, to]) => {
    const seen = values.slice(from, to).filter((_, i) => weights[from + i] > 0);
    return seen.length > 0 ? Math.max(...seen) : null;
  }));
  const most = Math.max(1, ...points.flat());
  chart(id, label, most, minutes, now, (ms) => milliseconds(Math.round(ms)).join(" "), (x, y, step) => series.flatMap(([name, kind], i) => {
    const out = [];
    let path = "";
    points[i].forEach((value, at) => {
      if (value === null) return;
      const before = at > 0 && points[i][at - 1] !== null;
      const alone = !before && (points[i][at + 1] ?? null) === null;
      const px = (x(at) + step / 2).toFixed(1), py = y(value).toFixed(1);
      path += `${before ? "L" : "M"}${px} ${py}`;
      out.push(draw("path", { class: `dot ${kind}${alone ? " alone" : ""}`, d: `M${px} ${py}h0` },
                    draw("title", {}, `${spanOf(slots[at], minutes, now)}: ${name} ${milliseconds(value).join(" ")}`)));
    });
    return [draw("path", { class: `line ${kind}`, d: path || "M0 0" }), ...out];
  }));
}

// --- The parts of the page -------------------------------------------------------------------

function figure(name, value, unit, more) {
  return make("div", { class: "figure" }, make("p", { class: "name" }, name),
              make("p", { class: "value" }, value, unit ? make("small", {}, ` ${unit}`) : null),
              make("p", { class: "more" }, more));
}

function drawHealth(status) {
  const ill = status.health.filter((part) => part.trouble);
  const well = ill.length === 0;
  const badge = byId("health");
  badge.className = well ? "badge good" : "badge bad";
  badge.textContent = well ? "ok" : "degraded";
  byId("trouble").hidden = well;
  show("trouble", ...ill.map((part) => make("li", {}, `${part.part}: ${part.trouble}`)));
  byId("about").textContent = `version ${status.version} · up ${span(status.uptime_s)}`;
  document.title = well ? "postseal" : "postseal: degraded";
}

function drawFigures(status) {
  const { minutes, queries, kept } = status;
  const asked = sum(CLASSES.map((name) => sum(minutes.classes[name])));
  const known = sum(minutes.memory);
  const busy = minutes.lookups.map((n, at) => [n, minutes.median_ms[at], minutes.slow_ms[at]]).filter(([n]) => n > 0);
  const looked = sum(busy.map(([n]) => n));
  const mean = (column) => (looked === 0 ? null : Math.round(sum(busy.map((row) => row[0] * row[column])) / looked));
  const [median, unit] = looked === 0 ? ["–", ""] : milliseconds(mean(1));
  const domains = sum(Object.values(kept.nexthops));
  const policies = sum(Object.values(kept.policies));
  const length = span(Math.min(status.uptime_s, (minutes.lookups.length - 1) * minutes.step_s || 60));
  show("figures",
       figure(`Queries in ${length}`, count(asked), "", `${count(queries.total)} since the start`),
       figure("Answered from memory", percent(known, asked), "", plural(status.memory.answers, "answer in memory", "answers in memory")),
       figure("A lookup takes", median, unit, looked === 0 ? "none in this time" : `95 % within ${milliseconds(mean(2)).join(" ")}`),
       figure("Domains remembered", count(domains), "", `${plural(policies, "policy", "policies")} of MTA-STS held`));
  byId("verdicts-span").textContent = byId("lookups-span").textContent = `the last ${length}`;
}

function drawVerdicts(status, now) {
  const { classes } = status.minutes;
  const totals = CLASSES.map((name) => sum(classes[name]));
  const all = sum(totals);
  const words = CLASSES.map((name, i) => `${name} ${percent(totals[i], all)}`).filter((_, i) => totals[i] > 0).join(", ");
  const bar = draw("svg", { viewBox: "0 0 1000 10", preserveAspectRatio: "none", role: "img",
                            "aria-label": all > 0 ? `Shares: ${words}` : "No queries yet" });
  let at = 0;
  if (all === 0) bar.append(draw("rect", { class: "f-none", width: 1000, height: 10 }));
  CLASSES.forEach((name, i) => {
    if (totals[i] === 0) return;
    const width = (1000 * totals[i]) / all;
    bar.append(draw("rect", { class: `f-${name}`, x: at, width: Math.max(1, width - 2), height: 10 },
                    draw("title", {}, `${name}: ${percent(totals[i], all)}`)));
    at += width;
  });
  show("shares", bar);
  show("legend", ...CLASSES.filter((name, i) => totals[i] > 0 || name !== "none").map((name) => {
    const n = totals[CLASSES.indexOf(name)];
    return make("li", { title: MEANING[name] }, make("i", { class: `key b-${name}` }), name, " ",
                make("b", {}, percent(n, all)), make("span", { class: "quiet" }, count(n)));
  }));
  byId("about-none").hidden = totals[CLASSES.indexOf("none")] === 0;
  columns("queries", `Queries over time, by class of verdict; ${plural(all, "query", "queries")} in all`,
          CLASSES.map((name) => [name, `f-${name}`, classes[name]]), now, ["query", "queries"]);
}

function drawLookups(status, now) {
  const { minutes } = status;
  columns("lookups", `Lookups over time; ${plural(sum(minutes.lookups), "lookup", "lookups")} in all`,
          [["lookups", "bar", minutes.lookups]], now, ["lookup", "lookups"]);
  lines("latency", "Time of lookups: median, and the time within which 95 % ended",
        [["95 % within", "slow", minutes.slow_ms], ["median", "median", minutes.median_ms]], minutes.lookups, now);
}

// A domain that explains itself when it is chosen.
function domain(key) {
  return make("th", { scope: "row" }, make("button", { type: "button", title: `Explain ${key}`, onclick: () => {
    ask(key);
    byId("explain").scrollIntoView({ behavior: "smooth" });
  } }, key));
}

function rows(id, items, none, row) {
  show(id, items.length === 0 ? make("p", { class: "empty" }, none)
                              : make("table", {}, make("tbody", {}, ...items.map(row))));
}

function drawTables(status, now) {
  const change = (item) => make("tr", {},
    filled(domain(item.key), {}, [make("span", { class: "why" }, `${item.before} → ${item.after}`,
                                        item.reasons ? `: ${item.reasons}` : "")]),
    make("td", {}, when(item.at, now)));
  rows("downgraded", status.downgraded, "None.", change);
  rows("changed", status.changed, "None.", change);
  const finding = (item) => make("tr", {},
    filled(domain(item.key), {}, [make("span", { class: "why" }, item.text),
                                  make("span", { class: "why" }, `next: ${item.fix}`)]),
    make("td", {}, "since ", when(item.since, now)));
  rows("deferred", status.deferred, "None.", finding);
  rows("findings", status.findings, "None.", finding);
  rows("failing", status.failing, "None.", (item) => make("tr", {},
    filled(domain(item.domain), {}, [make("span", { class: "why" }, `${item.fault}: ${item.reason}`)]),
    make("td", {}, plural(item.failures, "failure", "failures"), make("br"), "next try ", when(item.retry_at, now))));
}

function drawDaemon(status) {
  const term = (name, ...lines) => [make("dt", {}, name), make("dd", {}, ...lines.map((line) => make("p", {}, line)))];
  const { kept, memory, lookups } = status;
  const modes = ["enforce", "testing", "none"].map((mode) => `${count(kept.policies[mode] || 0)} ${mode}`).join(", ");
  show("daemon", make("dl", {},
    ...term("listens on", ...status.listeners.map((l) => `${l.address} (${l.protocol}), ${plural(l.connections, "connection", "connections")}`)),
    ...term("lookups", `${count(lookups.active)} at work, ${count(lookups.waiting)} waiting`),
    ...term("memory", `${octets(memory.bytes)} of ${octets(memory.limit_bytes)}`),
    ...term("policies", modes, kept.due > 0 ? `${count(kept.due)} due to be looked at again` : "none overdue"),
    ...term("verdicts", CLASSES.slice(0, 5).map((name) => `${count(kept.nexthops[name] || 0)} ${name}`).join(", ")),
    ...term("downgrades", `${count(status.downgrades)} since the start`)));
}

// --- Explain ---------------------------------------------------------------------------------

// The words are those of `postseal explain`.
function hostLines(host) {
  const lines = [[`${host.preference} ${host.name}  ${host.state}: ${host.meaning}`]];
  for (const record of host.tlsa) lines.push([`${host.tlsa_name} TLSA ${record}`, "deep"]);
  if (host.reason) lines.push([host.reason, "deep"]);
  return lines;
}

function mxLines(mx) {
  let head = mx.literal_host ? "the host itself" : mx.state;
  if (mx.implicit) head += ", none: the domain is its own host";
  if (mx.canonical_name) head += `, CNAME to ${mx.canonical_name}`;
  return [[head], ...(mx.reason ? [[mx.reason]] : []), ...mx.hosts.flatMap(hostLines),
          ...(mx.beyond > 0 ? [[`and ${mx.beyond} more hosts, not looked up`]] : []),
          ...(mx.addresses > 0 ? [[`and ${mx.addresses} records with an address in the place of a name`]] : [])];
}

function stsLines(sts) {
  let head = `record ${sts.record}`;
  if (sts.record_id) head += `, id ${sts.record_id}`;
  if (sts.record_reason) head += `: ${sts.record_reason}`;
  const lines = [[head]];
  if (sts.fetch_fault) lines.push([`fetch ${sts.fetch} (${sts.fetch_fault}): ${sts.fetch_reason}`, "fault"]);
  if (sts.retry_at) lines.push([`next try ${sts.retry_at}`]);
  if (sts.policy) lines.push([`policy ${sts.policy.mode} (id ${sts.policy.id}), fetched ${sts.policy.fetched_at}, until ${sts.policy.expires_at}; mx ${sts.policy.mx.join(" ") || "none"}`]);
  return lines;
}

function overrideLine(o) {
  return `${o.file}:${o.line}: ${o.key} ${o.policy}${o.until ? `, until ${o.until}` : ""}${o.comment ? `; ${o.comment}` : ""}`;
}

function replyLines(explained) {
  const byText = new Map();
  for (const [map, reply] of Object.entries(explained.replies)) {
    const text = reply.kind === "ok" ? reply.text : reply.kind === "temp" ? `TEMP ${reply.text}` : "NOTFOUND";
    byText.set(text, [...(byText.get(text) || []), map]);
  }
  const lines = [...byText].map(([text, maps]) => [`${maps.join(", ")}: ${text}`, "mono"]);
  if (explained.delegation) lines.push([`delegation: ${explained.delegation}`, "mono"]);
  return lines;
}

function drawExplained(explained) {
  const { verdict } = explained;
  const known = CLASSES.includes(verdict.class) ? verdict.class : "none";
  const level = verdict.level !== "-" && verdict.level !== verdict.class ? ` ${verdict.level}` : "";
  const parts = [["because", verdict.reasons.map((reason) => [reason])]];
  if (explained.override) parts.push(["override", [[overrideLine(explained.override)]]]);
  if (explained.mx) parts.push(["MX", mxLines(explained.mx)]);
  if (explained.mta_sts) parts.push(["MTA-STS", stsLines(explained.mta_sts)]);
  if (explained.findings)
    parts.push(["finding", explained.findings.flatMap((f) => [[f.text, "fault"], [`fix: ${f.fix}`]])]);
  parts.push(["reply", replyLines(explained)]);
  if (explained.obtained_at)
    parts.push(["as of", [[`${explained.obtained_at}, ${explained.partial ? "partial: the lookup goes on" : `holds for ${explained.holds_s} s`}`]]]);
  for (const name of ["mail", "next"]) if (explained[name]) parts.push([name, [[explained[name]]]]);
  show("explained",
       make("p", { class: "verdict" }, make("b", {}, explained.key),
            make("span", { class: "class" }, make("i", { class: `key b-${known}` }), verdict.class + level),
            verdict.row > 0 ? make("span", { class: "quiet" }, `row ${verdict.row}`) : null),
       make("dl", {}, ...parts.flatMap(([name, lines]) => [make("dt", {}, name),
            make("dd", {}, ...lines.map(([text, kind]) => make("p", kind ? { class: kind } : {}, text)))])));
}

async function explain(key) {
  const button = byId("explain-form").querySelector("button");
  button.disabled = true;
  show("explained", make("p", { class: "quiet" }, `Looking at ${key} …`));
  try {
    const reply = await fetch(`/v1/policy/${encodeURIComponent(key)}`);
    if (reply.ok) drawExplained(await reply.json());
    else show("explained", make("p", { class: "fault" }, (await reply.text()).trim()));
  } catch {
    show("explained", make("p", { class: "fault" }, "postseald does not answer."));
  } finally {
    button.disabled = false;
  }
}

// The address names the destination, so that it can be kept and passed on.
function ask(key) {
  const fragment = `#explain=${encodeURIComponent(key)}`;
  if (location.hash === fragment) explainAddress();
  else location.hash = fragment; // which calls explainAddress()
}

function explainAddress() {
  const named = location.hash.match(/^#explain=(.+)$/);
  if (named === null) return;
  let key = named[1];
  try {
    key = decodeURIComponent(key);
  } catch {} // coded badly: as it is
  byId("key").value = key;
  explain(key);
}

// --- The clock -------------------------------------------------------------------------------

let latest = null;

function drawAll() {
  if (latest === null) return;
  const now = new Date(latest.now);
  drawHealth(latest);
  drawFigures(latest);
  drawVerdicts(latest, now);
  drawLookups(latest, now);
  drawTables(latest, now);
  drawDaemon(latest);
  byId("as-of").textContent = ` · as of ${now.toLocaleTimeString([], { hour12: false, timeZoneName: "short" })}, the zone of all clock times here`;
}

async function renew() {
  try {
    const reply = await fetch("/v1/status");
    if (!reply.ok) throw new Error(`status ${reply.status}`);
    latest = await reply.json();
    drawAll();
  } catch {
    const badge = byId("health");
    badge.className = "badge bad";
    badge.textContent = "no answer";
  }
}

let waiting = null;
async function renewAgain() {
  clearTimeout(waiting);
  if (!document.hidden) await renew();
  waiting = setTimeout(renewAgain, EVERY);
}

byId("explain-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = byId("key").value.trim();
  if (key !== "") ask(key);
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) renewAgain();
});
window.addEventListener("hashchange", explainAddress);
explainAddress();
let drawnWidth = 0;
new ResizeObserver(() => {
  if (drawnWidth !== document.body.clientWidth) drawAll();
  drawnWidth = document.body.clientWidth;
}).observe(document.body);
renewAgain();
