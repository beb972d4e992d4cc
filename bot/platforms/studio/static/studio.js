// The room's page, beyond what htmx does: the composer, the keyboard, and staying at the end.
(() => {
  const lines = document.getElementById("lines");
  const composer = document.getElementById("composer");
  const text = document.getElementById("text");
  const trouble = document.getElementById("trouble");

  // Text is taken out of the composer only once the server has it, and only if it is still the same.
  let sent = "";
  composer.addEventListener("submit", () => { sent = text.value; }, true);
  document.addEventListener("said", (event) => {
    if (text.value === sent) text.value = "";
    composer.elements.id.value = event.detail.next;
    trouble.textContent = "";
    toEnd();
  });
  document.addEventListener("done", () => { trouble.textContent = ""; });
  for (const name of ["htmx:error", "htmx:sse:error"]) {
    document.addEventListener(name, (event) => {
      if (event.target.id !== "stream") trouble.textContent = trouble.dataset.offline;
    });
  }
  document.addEventListener("enough", () => {
    document.getElementById("stream").remove();
    trouble.textContent = trouble.dataset.enough;
  });

  // Who is whispered to, until it is said aloud again.
  const aside = document.getElementById("aside");
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-to]");
    if (!link) return;
    event.preventDefault();
    composer.elements.to.value = link.dataset.to;
    aside.hidden = !link.dataset.to;
    aside.firstElementChild.textContent = aside.dataset.words.replace("…", link.dataset.name || "");
    text.focus();
  });

  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (text.value.trim()) composer.requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    const press = (id) => {
      const button = document.getElementById(id);
      if (button && !button.disabled) { event.preventDefault(); button.click(); }
    };
    if (event.key === "Escape") press("stop");
    if (event.altKey && event.key === "ArrowLeft") press("earlier");
    if (event.altKey && event.key === "ArrowRight") press("later");
  });

  // A line's player begins when it is opened; where there is no sound, the server says why.
  document.addEventListener("toggle", (event) => {
    const player = event.target.querySelector?.("audio");
    if (player && event.target.open && player.paused) player.play().catch(() => {});
  }, true);
  document.addEventListener("error", async (event) => {
    if (event.target.tagName !== "AUDIO") return;
    const answer = await fetch(event.target.src).catch(() => null);
    trouble.textContent = answer && !answer.ok ? await answer.text() : trouble.dataset.offline;
  }, true);

  // Who reads further up is left there.
  const page = document.scrollingElement;
  let atEnd = true;
  const toEnd = () => { page.scrollTop = page.scrollHeight; };
  addEventListener("scroll", () => {
    atEnd = page.scrollHeight - page.scrollTop - innerHeight < 180;
  }, { passive: true });
  new MutationObserver(() => { if (atEnd) toEnd(); }).observe(lines, { childList: true });
  toEnd();
})();
