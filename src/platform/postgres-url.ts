const HOSTS_MAX = 8;
const SHAPE = /^(postgres(?:ql)?:\/\/)((?:[^/?#]*@)?)([^/?#@]*)([/?#]\S*)?$/;

/** A user before the first host and before a later one, too: the last "@" would make hosts of the former part of a password. */
const SEVERAL_USERS = /@[^@]*,/;

/**
 * The hosts that a URL `postgres://user:password@a:5432,b:5432/database` names, each as a URL of its own, in their order.
 *
 * @returns undefined when the URL cannot be used, as one that repeats user and password for every host
 */
export function splitHosts(url: string): readonly string[] | undefined {
  const [, scheme = "", user = "", named = "", rest = ""] = SHAPE.exec(url) ?? [];
  if (SEVERAL_USERS.test(user.slice(0, -1))) return undefined;
  const hosts = named.split(",");
  const urls = hosts.map((host) => `${scheme}${user}${host}${rest}`);
  // One alone may be missing: `?host=` names a socket's folder then.
  const isUsable = (urls.length === 1 || hosts.every((host) => host !== "")) && urls.every((one) => URL.canParse(one));
  return isUsable && urls.length <= HOSTS_MAX ? urls : undefined;
}
