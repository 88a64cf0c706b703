// A browser starts no worker for a page that it has read from a disk. Such a page runs the script of
// the search in a hidden frame instead, which talks to the page as a worker does.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.ready = new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.hidden = true;
        document.body.append(frame);
        const inner = frame.contentWindow;
        inner.postMessage = (data) => {
          const event = new MessageEvent("message", { data });
          this.dispatchEvent(event);
          if (this.onmessage) this.onmessage(event);
        };
        const load = (address) =>
          new Promise((loaded) => {
            const script = inner.document.createElement("script");
            script.src = address;
            script.onload = loaded;
            inner.document.body.append(script);
          });
        inner.importScripts = (...addresses) =>
          addresses.reduce((before, address) => before.then(() => load(address)), Promise.resolve());
        load(url).then(() => resolve(inner));
      });
    }
    postMessage(data) {
      this.ready.then((inner) => inner.dispatchEvent(new MessageEvent("message", { data })));
    }
    terminate() {}
  };
}
