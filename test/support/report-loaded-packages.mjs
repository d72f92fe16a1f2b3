// Loaded before everything else into a server that a test starts: says on standard error which packages are imported.
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, next) {
    if (/^(@[a-z-]+\/)?[a-z]/.test(specifier) && !specifier.includes(":"))
      process.stderr.write(`loaded ${specifier}\n`);
    return next(specifier, context);
  },
});
