// Blocks of Mermaid → pictures.
for (const code of document.querySelectorAll("code.language-mermaid")) {
  const picture = document.createElement("pre");
  picture.className = "mermaid";
  picture.textContent = code.textContent;
  code.parentElement.replaceWith(picture);
}
const dark = ["navy", "coal", "ayu"].some((theme) => document.documentElement.classList.contains(theme));
mermaid.initialize({ startOnLoad: false, securityLevel: "antiscript", theme: dark ? "dark" : "default" });
mermaid.run();
