// A viewer of a LiveKit room: joins, and hands what is published there to the page's video and to the probe of the browser tests.
window.join = async (url, token) => {
  const room = new LivekitClient.Room();
  const tracks = {};
  const both = new Promise((resolve) => {
    room.on(LivekitClient.RoomEvent.TrackSubscribed, (track) => {
      tracks[track.kind] = track;
      if (tracks.audio && tracks.video) resolve();
    });
  });
  await room.connect(url, token);
  await both;
  const { audio, video } = tracks;
  const element = document.querySelector("video");
  element.srcObject = new MediaStream([video.mediaStreamTrack, audio.mediaStreamTrack]);
  window.probeCall = {
    getStats: async () => new Map([...await video.receiver.getStats(), ...await audio.receiver.getStats()]),
  };
  await element.play();
};
