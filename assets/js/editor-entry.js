// The code editor of the console: CodeMirror over a textarea, bundled at set-up as the global `GatehouseEditor`.
import { basicSetup, EditorView } from "codemirror";
import { EditorState } from "@codemirror/state";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { tags } from "@lezer/highlight";

const LANGUAGES = { json, yaml };

// Colours follow the page: `light-dark()` obeys the color-scheme that data-bs-theme sets. Every pair is above 4.5:1.
const theme = EditorView.theme({
  "&": { color: "var(--tblr-body-color)", backgroundColor: "var(--tblr-bg-surface)", fontSize: "13px", height: "100%" },
  "&.cm-focused": { outline: "2px solid var(--tblr-primary)", outlineOffset: "-1px" },
  ".cm-scroller": { fontFamily: "var(--tblr-font-monospace)", lineHeight: "20px" },
  ".cm-content": { caretColor: "var(--tblr-body-color)" },
  ".cm-cursor": { borderLeftColor: "var(--tblr-body-color)" },
  ".cm-gutters": {
    color: "light-dark(#525252, #a3a3a3)",
    backgroundColor: "var(--tblr-bg-surface-secondary)",
    borderRight: "1px solid var(--tblr-border-color)",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "light-dark(rgba(0,0,0,.04), rgba(255,255,255,.06))" },
  ".cm-tooltip, .cm-panels": {
    color: "var(--tblr-body-color)",
    backgroundColor: "var(--tblr-bg-surface)",
    borderColor: "var(--tblr-border-color)",
  },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "light-dark(#155e75, #7dd3fc)" },
  { tag: [tags.string, tags.special(tags.string)], color: "light-dark(#166534, #86efac)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword, tags.atom], color: "light-dark(#5b21b6, #c4b5fd)" },
  { tag: tags.comment, color: "light-dark(#525252, #a3a3a3)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.meta], color: "light-dark(#525252, #a3a3a3)" },
  { tag: tags.invalid, color: "light-dark(#b91c1c, #fca5a5)" },
]);

// Lines and columns count from 1, as people and parsers do; a position past the end is the end.
function toDiagnostic(doc, { line = 1, column = 1, endLine, endColumn, severity = "error", message }) {
  const at = (row, offset) => {
    const found = doc.line(Math.min(Math.max(row, 1), doc.lines));
    return Math.min(found.from + Math.max(offset - 1, 0), found.to);
  };
  const from = at(line, column);
  const to = endLine ? at(endLine, endColumn ?? 1) : doc.lineAt(from).to;
  return { from, to: Math.max(from, to), severity, message };
}

/**
 * Put an editor in the place of a textarea and keep the textarea's value in step, so that forms post as ever.
 * Returns { view, setValue, setDiagnostics, goToLine, destroy }.
 */
export function mountEditor(textarea, { language = "yaml", nonce = "", diagnostics = [] } = {}) {
  const label = textarea.labels?.[0]?.textContent.trim() || textarea.getAttribute("aria-label") || "Editor";
  const makeLanguage = LANGUAGES[language];
  const inStep = EditorView.updateListener.of((update) => {
    if (!update.docChanged) return;
    textarea.value = update.state.doc.toString();
    textarea.dispatchEvent(new Event("input", { bubbles: true }));
  });
  const view = new EditorView({
    doc: textarea.value,
    extensions: [
      basicSetup,
      EditorView.cspNonce.of(nonce),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": label }),
      EditorState.readOnly.of(textarea.readOnly || textarea.disabled),
      lintGutter(),
      makeLanguage ? makeLanguage() : [],
      syntaxHighlighting(colours),
      theme,
      inStep,
    ],
  });
  const handle = {
    view,
    setValue(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    setDiagnostics(found) {
      const marks = found.map((one) => toDiagnostic(view.state.doc, one)).sort((a, b) => a.from - b.from);
      view.dispatch(setDiagnostics(view.state, marks));
    },
    goToLine(number) {
      const { from } = view.state.doc.line(Math.min(Math.max(number, 1), view.state.doc.lines));
      view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
      view.focus();
    },
    destroy() {
      view.destroy();
      textarea.hidden = false;
    },
  };
  textarea.hidden = true;
  textarea.after(view.dom);
  if (diagnostics.length) handle.setDiagnostics(diagnostics);
  return handle;
}
