// The pages of this application, by path. Every other path is answered with the same document, so
// an address can be opened, reloaded and shared.
const pages = {
  "/": "Hello, World!",
  "/about": "One page, made by casemate new.",
};

const page = document.getElementById("page");

function show() {
  page.textContent = pages[location.pathname] ?? "There is no such page.";
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (link === null || link.origin !== location.origin) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  show();
});

addEventListener("popstate", show);
show();
