import type { RedisKeys } from "../../redis/keys.ts";

/** Pictures that jobs share have blob keys with this prefix; every other blob of a job is in its own folder. */
export const PICTURES_FOLDER = "pictures/";

/** What scripts need to begin and to end the use of pictures. */
export interface PictureArguments {
  picture_prefix: string;
  users_prefix: string;
  unused_pictures: string;
  pictures_folder: string;
}

export function pictureArguments(keys: RedisKeys): PictureArguments {
  return {
    picture_prefix: keys.picturePrefix,
    users_prefix: keys.pictureUsersPrefix,
    unused_pictures: keys.unusedPictures,
    pictures_folder: PICTURES_FOLDER,
  };
}
