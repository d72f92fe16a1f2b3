/** The ids of tenants, realms and most objects: 16 hexadecimal digits, as we write them. */
export const HEX_ID = /^[0-9a-f]{16}$/;

/** The ids of applications and what else has a UUID (RFC 9562 section 4), as we write them. */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
