"use strict";
// All text enters the page as text nodes; nothing from a file is ever parsed as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const marks = { error: "✖", warning: "▲", info: "●" };
  const levels = ["error", "warning", "info"];
  const step = 100;
  const printed = 500;
  const charted = 10;
  const state = { text: "", code: "", pair: "", accepted: false, levels: new Set(levels), shown: [], drawn: 0 };
  const find = (id) => document.getElementById(id);
  const list = find("list");
  const more = find("more");

  function node(tag, options, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(options || {})) {
      if (name === "class") made.className = value;
      else if (name === "on") made.addEventListener(value[0], value[1]);
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  const pairOf = (item) => `${item.claimed[0] || "nothing"} → ${item.actual}`;
  for (const item of data.findings) {
    item.text = [item.code, item.path, item.message, item.sha256 || "", item.actual,
      ...item.claimed, ...item.techniques].join("\n").toLowerCase();
  }

  function matches(item) {
    return state.levels.has(item.level) && (state.accepted || !item.accepted)
      && (!state.code || item.code === state.code) && (!state.pair || pairOf(item) === state.pair)
      && (!state.text || state.text.split(/\s+/).every((word) => item.text.includes(word)));
  }

  function hexView(proof) {
    const bytes = proof.bytes.match(/../g) || [];
    const lines = [];
    for (let at = 0; at < bytes.length; at += 16) {
      const row = bytes.slice(at, at + 16);
      const letters = row.map((hex) => {
        const code = parseInt(hex, 16);
        return code >= 32 && code < 127 ? String.fromCharCode(code) : ".";
      }).join("");
      const offset = (proof.offset + at).toString(16).padStart(8, "0");
      lines.push(`${offset}  ${row.join(" ").padEnd(47)}  |${letters}|`);
    }
    return lines.join("\n");
  }

  function snippet(item) {
    const scope = item.sha256 ? `sha256: ${item.sha256}` : `path: ${JSON.stringify(item.path)}`;
    return `accept:\n  - finding: ${item.code}\n    ${scope}\n    reason: "why this file is right"\n`
      + "    owner: \"who decided\"\n    until: YYYY-MM-DD\n";
  }

  function copyButton(text) {
    const button = node("button", { class: "plain", type: "button" }, "Copy");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch (error) {
        button.textContent = "Select the text and copy it";
      }
    });
    return button;
  }

  const titled = (title, ...children) => [node("h3", {}, title), ...children];
  const line = (text) => node("p", {}, text);

  function body(item) {
    const code = data.codes[item.code];
    const [outer, ...inner] = item.path.split("!/");
    const proofs = item.proofs.flatMap((proof) => [
      line(`${proof.meaning} at byte ${proof.offset}`),
      node("pre", { tabindex: "0" }, hexView(proof)),
      node("p", {}, "Check it with: ", node("code", {},
        `xxd -s ${proof.offset} -l ${proof.bytes.length / 2} -- "$FILE"`)),
    ]);
    const claims = item.claimed.length ? item.claimed.join(" or ") : "nothing";
    const kept = item.permitted.length ? `Usual extensions of ${item.actual}: ${item.permitted.join(", ")}.` : "";
    return node("div", { class: "body" },
      node("div", { class: "versus" },
        node("div", {}, ...titled("What it pretends to be", line(`The name claims ${claims}.`))),
        node("div", {}, ...titled("What it is", line(`${item.actual}. ${kept}`)))),
      ...(inner.length ? titled("Where", line(`Inside ${outer}: ${inner.join(" in which ")}`)) : []),
      ...(proofs.length ? titled("The proof", ...proofs) : []),
      ...(item.codepoints.length ? titled("Characters of the name", node("code", {}, item.codepoints.join(" "))) : []),
      ...(item.opinions.length ? titled("Second opinions (they decide nothing)",
        ...item.opinions.map((each) => line(`${each.tool} says ${each.says}`))) : []),
      ...titled("Why it matters", line(code.why || code.summary)),
      ...(code.recognise ? titled("How to recognise it", line(code.recognise)) : []),
      ...titled("Identity", node("code", {}, `sha256 ${item.sha256 || "unknown"}`),
        line(`${item.code} ${code.title}; ATT&CK ${item.techniques.join(", ") || "none"}`)),
      ...(item.accepted ? titled("Accepted", line(item.accepted))
        : titled("To accept it, put this into the baseline", node("pre", { tabindex: "0" }, snippet(item)), copyButton(snippet(item)))));
  }

  function row(item) {
    const summary = node("summary", {},
      node("span", { class: `level ${item.accepted ? "accepted" : item.level}` },
        `${item.accepted ? "✓" : marks[item.level]} ${item.level}`),
      node("span", {}, item.code), node("span", { class: "path" }, item.path),
      node("span", { class: "says" }, item.message));
    const made = node("details", {}, summary);
    made.addEventListener("toggle", () => {
      if (made.open && made.children.length === 1) made.append(body(item));
    });
    return made;
  }

  function draw(count) {
    const part = document.createDocumentFragment();
    for (const item of state.shown.slice(state.drawn, state.drawn + count)) part.append(row(item));
    list.append(part);
    state.drawn = Math.min(state.shown.length, state.drawn + count);
    more.hidden = state.drawn >= state.shown.length;
  }

  function refresh() {
    state.shown = data.findings.filter(matches);
    state.drawn = 0;
    list.replaceChildren();
    draw(step);
    const all = data.findings.length;
    find("count").textContent = `${state.shown.length.toLocaleString("en")} of ${all.toLocaleString("en")} findings`;
    for (const button of document.querySelectorAll(".bars button")) {
      const on = button.dataset.code === (state.code || "-") || button.dataset.pair === (state.pair || "-");
      button.setAttribute("aria-pressed", String(on));
    }
    find("code").value = state.code;
  }

  function bars(place, groups, pick) {
    const most = Math.max(1, ...groups.map((group) => group.total));
    for (const group of groups) {
      const track = node("span", { class: "track", "aria-hidden": "true" });
      for (const level of levels) {
        const part = node("span", { class: level });
        part.style.width = `${100 * group[level] / most}%`;
        track.append(part);
      }
      const told = levels.filter((level) => group[level]).map((level) => `${group[level]} ${level}`).join(", ");
      const button = node("button", { type: "button", title: told, "aria-pressed": "false" },
        node("span", { class: "name" }, group.label), track,
        node("span", { class: "figure" }, group.total.toLocaleString("en")));
      button.dataset[pick] = group.key;
      button.addEventListener("click", () => {
        state[pick] = state[pick] === group.key ? "" : group.key;
        refresh();
      });
      place.append(button);
    }
    if (!groups.length) place.append(node("p", { class: "dim" }, "nothing found"));
  }

  function grouped(key, label, wanted = () => true) {
    const groups = new Map();
    for (const item of data.findings.filter(wanted)) {
      const name = key(item);
      if (!groups.has(name)) groups.set(name, { key: name, label: label(name), total: 0, error: 0, warning: 0, info: 0 });
      const group = groups.get(name);
      group.total += 1;
      group[item.level] += 1;
    }
    return [...groups.values()].sort((a, b) => b.total - a.total || (a.key < b.key ? -1 : 1));
  }

  function move(by) {
    const rows = [...list.querySelectorAll("summary")];
    const now = rows.indexOf(document.activeElement);
    if (now + by >= rows.length && state.drawn < state.shown.length) {
      draw(step);
      return move(by);
    }
    const next = rows[Math.min(rows.length - 1, Math.max(0, now + by))];
    if (next) next.focus();
    return undefined;
  }

  const codes = grouped((item) => item.code, (name) => `${name} ${data.codes[name].title}`);
  bars(find("by-code"), codes.slice(0, charted), "code");
  const differ = (item) => !item.claimed.includes(item.actual);
  bars(find("by-pair"), grouped(pairOf, (name) => name, differ).slice(0, charted), "pair");
  for (const group of [...codes].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    find("code").append(node("option", { value: group.key }, group.label));
  }
  let wait = 0;
  find("search").addEventListener("input", (event) => {
    clearTimeout(wait);
    wait = setTimeout(() => { state.text = event.target.value.trim().toLowerCase(); refresh(); }, 120);
  });
  find("code").addEventListener("change", (event) => { state.code = event.target.value; refresh(); });
  find("accepted").addEventListener("change", (event) => { state.accepted = event.target.checked; refresh(); });
  for (const box of document.getElementsByName("level")) {
    box.addEventListener("change", () => {
      if (box.checked) state.levels.add(box.value); else state.levels.delete(box.value);
      refresh();
    });
  }
  find("filter").addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", () => draw(step));
  new IntersectionObserver((seen) => {
    if (seen.some((entry) => entry.isIntersecting) && state.drawn && !more.hidden) draw(step);
  }, { rootMargin: "400px" }).observe(more);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
    if (event.key === "Escape") {
      Object.assign(state, { text: "", code: "", pair: "" });
      find("search").value = "";
      if (typing) event.target.blur();
      refresh();
    } else if (!typing && event.key === "/") {
      event.preventDefault();
      find("search").focus();
    } else if (!typing && ["j", "ArrowDown"].includes(event.key)) {
      event.preventDefault();
      move(1);
    } else if (!typing && ["k", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      move(-1);
    }
  });
  const opened = [];
  window.addEventListener("beforeprint", () => {
    if (state.drawn < printed) draw(printed - state.drawn);
    for (const each of [...list.querySelectorAll("details:not([open])")].slice(0, printed)) {
      each.append(...(each.children.length === 1 ? [body(state.shown[[...list.children].indexOf(each)])] : []));
      each.open = true;
      opened.push(each);
    }
  });
  window.addEventListener("afterprint", () => {
    for (const each of opened.splice(0)) each.open = false;
  });
  refresh();
})();
